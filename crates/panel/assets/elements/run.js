// <stoa-run src="…">: a run as it goes. Listens to its stream, moves its steps, gives log text to their <stoa-log>,
// and says `stoa:ended` when it is over. Where streams do not get through, it asks for the page every 5 seconds.
customElements.define("stoa-run", class extends HTMLElement {
  static observedAttributes = ["src", "over"];

  connectedCallback() {
    this.listen();
    clearInterval(this.clock);
    this.clock = setInterval(() => this.tick(), 1000);
  }

  disconnectedCallback() {
    this.source?.close();
    clearInterval(this.clock);
    clearInterval(this.poll);
  }

  // A page that is morphed into this one puts the element in place first, and says its attributes then.
  attributeChangedCallback() {
    if (this.isConnected) this.listen();
  }

  listen() {
    this.source?.close();
    this.source = undefined;
    if (this.hasAttribute("over") || !this.getAttribute("src")) return;
    const source = new EventSource(this.getAttribute("src"));
    this.source = source;
    const on = (name, act) => source.addEventListener(name, (event) => act(JSON.parse(event.data)));
    on("run", (run) => this.badge(this.querySelector("[data-run-status]"), run.status));
    on("step", (step) => this.step(step));
    on("log", (log) => this.log(log));
    on("end", (end) => {
      this.badge(this.querySelector("[data-run-status]"), end.status);
      source.close();
      this.setAttribute("over", "");
      this.show("over");
      this.result();
      this.dispatchEvent(new CustomEvent("stoa:ended"));
    });
    source.onopen = () => {
      this.show("live");
      clearInterval(this.poll);
      this.poll = undefined;
    };
    source.onerror = () => {
      this.show("lost");
      this.poll ??= setInterval(() => {
        this.dispatchEvent(new CustomEvent("stoa:ended"));
        if (source.readyState === EventSource.CLOSED) this.listen();
      }, 5000);
    };
  }

  show(state) {
    this.querySelectorAll("[data-run-live]").forEach((part) => { part.hidden = part.dataset.runLive !== state; });
  }

  badge(place, state) {
    const pattern = this.querySelector(`template[data-badge="${CSS.escape(state)}"]`);
    if (place && pattern) place.replaceChildren(pattern.content.cloneNode(true));
  }

  part(step) {
    const key = `${step.source}/${step.id}`;
    const known = [...this.querySelectorAll(".stoa-step")].find((item) => item.dataset.step === key);
    if (known) return known;
    this.querySelector(".stoa-no-steps")?.remove();
    const item = this.querySelector("template[data-new-step]").content.firstElementChild.cloneNode(true);
    item.dataset.step = key;
    const list = this.querySelector(".stoa-steps");
    item.querySelector("stoa-log").id = `${this.id.replace("run-", "log-")}-${list.children.length + 1}`;
    list.append(item);
    return item;
  }

  step(step) {
    const item = this.part(step);
    const place = (name) => item.querySelector(`[data-part="${name}"]`);
    this.badge(place("status"), step.status);
    place("name").textContent = step.displayName;
    place("message").textContent = step.userMessage ?? "";
    place("time").dataset.from = step.startedOn ?? "";
    place("time").dataset.to = step.endedOn ?? "";
    item.dataset.status = step.status;
    this.fold(item);
    this.tick();
  }

  // The log of what is going on or went wrong stands open, unless the reader decided otherwise.
  fold(item) {
    const fold = item.querySelector('[data-part="log"]');
    fold.querySelector("summary").onclick = () => { fold.dataset.touched = ""; };
    if (!("touched" in fold.dataset)) fold.open = ["IN_PROGRESS", "FAILED", "ABORTED"].includes(item.dataset.status);
  }

  // What a dry run found out is the end of its last log.
  result() {
    const logs = [...this.querySelectorAll('.stoa-step [data-part="log"]:not([hidden])')];
    if (this.hasAttribute("plan") && logs.length > 0) logs.at(-1).open = true;
  }

  log(log) {
    const item = this.part(log);
    const fold = item.querySelector('[data-part="log"]');
    if (fold.hidden) { fold.hidden = false; this.fold(item); }
    item.querySelector("stoa-log").put(log.from, log.text);
  }

  tick() {
    this.querySelectorAll("[data-from]").forEach((time) => {
      if (!time.dataset.from) return;
      const end = time.dataset.to ? Date.parse(time.dataset.to) : Date.now();
      const millis = Math.max(0, end - Date.parse(time.dataset.from));
      const seconds = Math.floor(millis / 1000);
      time.textContent = millis < 1 ? "" : seconds < 1 ? `${millis} ms` : seconds < 60 ? `${seconds} s`
        : seconds < 3600 ? `${Math.floor(seconds / 60)} min ${seconds % 60} s`
        : `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
    });
  }
});
