// <stoa-palette>: search from anywhere, and the keys that lead somewhere. Without script its link opens a page that
// does the same. Results come as HTML, each a link marked with data-hit.
customElements.define("stoa-palette", class extends HTMLElement {
  connectedCallback() {
    this.box = this.querySelector(".stoa-palette");
    this.keys = this.querySelector(".stoa-keys");
    this.input = this.box.querySelector("input");
    this.hits = this.box.querySelector("[data-hits]");
    this.querySelector("[data-palette]").onclick = (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.open();
    };
    this.input.oninput = () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.ask(), 120);
    };
    this.box.onkeydown = (event) => this.move(event);
    // A click beside the box closes it.
    for (const dialog of [this.box, this.keys]) {
      dialog.onclick = (event) => { if (event.target === dialog) dialog.close(); };
    }
    this.hits.addEventListener("click", (event) => { if (event.target.closest("[data-hit]")) this.box.close(); });
    this.pressed = (event) => this.press(event);
    addEventListener("keydown", this.pressed);
  }
  disconnectedCallback() {
    removeEventListener("keydown", this.pressed);
    clearTimeout(this.timer);
  }
  open() {
    if (this.box.open) return;
    this.box.showModal();
    this.input.select();
    this.ask();
  }
  async ask() {
    const wanted = this.input.value;
    const query = new URLSearchParams({ q: wanted, workspace: this.dataset.workspace || "" });
    const answer = await fetch(`/search/hits?${query}`, { headers: { "hx-request": "true" } });
    // A slower answer to an earlier question is of no use.
    if (!answer.ok || wanted !== this.input.value) return;
    this.hits.innerHTML = await answer.text();
    window.htmx?.process(this.hits);
    this.choose(0);
  }
  choose(place) {
    const all = [...this.hits.querySelectorAll("[data-hit]")];
    if (!all.length) return;
    this.place = (place + all.length) % all.length;
    all.forEach((hit, at) => hit.classList.toggle("active", at === this.place));
    all[this.place].scrollIntoView({ block: "nearest" });
  }
  move(event) {
    if (event.key === "ArrowDown") this.choose(this.place + 1);
    else if (event.key === "ArrowUp") this.choose(this.place - 1);
    else if (event.key === "Enter") {
      const chosen = this.hits.querySelector("[data-hit].active");
      if (!chosen || event.target.closest("[data-hit]")) return;
      chosen.click();
    } else return;
    event.preventDefault();
  }
  press(event) {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      this.open();
      return;
    }
    const typing = event.target.closest?.("input, textarea, select, [contenteditable], dialog[open]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const afterG = this.wasG && Date.now() - this.wasG < 1500;
    this.wasG = undefined;
    if (afterG) this.go(event.key);
    else if (event.key === "g") this.wasG = Date.now();
    else if (event.key === "?") this.keys.showModal();
    else if (event.key === "/") {
      const field = document.querySelector('main [data-focus-key="/"]');
      if (!field) return;
      event.preventDefault();
      field.focus();
    }
  }
  go(key) {
    const home = this.dataset.workspace ? `/w/${encodeURIComponent(this.dataset.workspace)}` : "";
    const target = { w: home || "/home", p: home && `${home}/projects`, m: home && `${home}/market`, a: "/admin", i: "/inbox" }[key];
    if (target) location.assign(target);
  }
});
