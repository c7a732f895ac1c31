// <stoa-send>: sends its form at once; without a script its button does.
customElements.define("stoa-send", class extends HTMLElement {
  connectedCallback() {
    setTimeout(() => this.querySelector("form")?.requestSubmit());
  }
});
