// <stoa-live kind="…" uuid="…" workspace="…">: tells what is in it when an object changes. Parts of the page ask for
// themselves again: hx-get="…" hx-trigger="stoa:changed from:closest stoa-live throttle:200ms". Where event streams do
// not get through, it asks every 5 seconds.
customElements.define("stoa-live", class extends HTMLElement {
  connectedCallback() {
    this.open();
  }
  disconnectedCallback() {
    this.source?.close();
    clearInterval(this.poll);
    clearTimeout(this.rest);
    this.rest = undefined;
  }
  open() {
    const query = new URLSearchParams();
    for (const name of ["kind", "uuid"]) {
      if (this.getAttribute(name)) query.set(name, this.getAttribute(name));
    }
    const home = this.getAttribute("workspace");
    const path = home ? `/w/${encodeURIComponent(home)}/live` : "/live";
    this.source = new EventSource(`${path}?${query}`);
    this.source.addEventListener("change", () => this.tell());
    this.source.onopen = () => {
      this.show("live");
      clearInterval(this.poll);
      this.poll = undefined;
      // What happened while nobody listened.
      if (this.wasLost) this.tell();
      this.wasLost = false;
    };
    this.source.onerror = () => {
      this.wasLost = true;
      this.show("lost");
      this.poll ??= setInterval(() => this.tell(), 5000);
    };
  }
  // Changes come in bursts: the first is told at once, those soon after it together, and the last is never left out.
  tell() {
    if (this.rest) {
      this.hasMore = true;
      return;
    }
    this.dispatchEvent(new CustomEvent("stoa:changed", { bubbles: false }));
    this.rest = setTimeout(() => {
      this.rest = undefined;
      if (!this.hasMore) return;
      this.hasMore = false;
      this.tell();
    }, 600);
  }
  show(state) {
    this.querySelectorAll("[data-live]").forEach((part) => { part.hidden = part.dataset.live !== state; });
  }
});
