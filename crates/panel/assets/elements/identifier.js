// <stoa-identifier from="displayName">: suggests an identifier from the name until somebody writes one.
customElements.define("stoa-identifier", class extends HTMLElement {
  connectedCallback() {
    const own = this.querySelector("input");
    const from = this.closest("form")?.elements[this.getAttribute("from")];
    if (!own || !from) return;
    const most = Number(this.getAttribute("most")) || 30;
    const suggested = () => from.value.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase()
      .replace(/[^a-z0-9]+/g, "-").slice(0, most).replace(/^-+|-+$/g, "");
    let isOurs = own.value === "" || own.value === suggested();
    own.addEventListener("input", (event) => { if (event.isTrusted) isOurs = own.value === ""; });
    from.addEventListener("input", () => {
      if (!isOurs) return;
      own.value = suggested();
      own.dispatchEvent(new Event("input", { bubbles: true }));
    });
  }
});
