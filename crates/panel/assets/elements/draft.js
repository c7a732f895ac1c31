// <stoa-draft key="…">: keeps what was typed into the form in it for this tab, and puts it back when the page is loaded
// again (`fresh`). With `ends`, the draft goes when the form is sent by one of its buttons `ends`. Secrets are never kept.
customElements.define("stoa-draft", class extends HTMLElement {
  connectedCallback() {
    const form = this.querySelector("form");
    const key = `stoa-draft ${this.getAttribute("key")}`;
    if (!form) return;
    if (this.hasAttribute("ends")) {
      form.addEventListener("submit", (event) => {
        if (this.getAttribute("ends").split(" ").includes(event.submitter?.value)) sessionStorage.removeItem(key);
      });
      return;
    }
    const fields = () => [...form.elements].filter((field) => field.name && field.type !== "hidden" && field.type !== "password");
    const kept = this.hasAttribute("fresh") && sessionStorage.getItem(key);
    if (kept) {
      const values = JSON.parse(kept);
      for (const field of fields()) {
        const known = values[field.name];
        if (!known) continue;
        if (field.type === "checkbox") field.checked = known.includes(field.value);
        else [field.value] = known;
        field.dispatchEvent(new Event("input", { bubbles: true }));
      }
    }
    form.addEventListener("input", () => {
      const values = {};
      for (const field of fields()) {
        values[field.name] ??= [];
        if (field.type !== "checkbox" || field.checked) values[field.name].push(field.value);
      }
      try { sessionStorage.setItem(key, JSON.stringify(values)); } catch { /* A large file finds no room. */ }
    });
  }
});
