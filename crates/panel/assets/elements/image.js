// <stoa-image>: puts a chosen image file into its text field, as a data URI.
customElements.define("stoa-image", class extends HTMLElement {
  connectedCallback() {
    const file = this.querySelector("input[type=file]");
    const text = this.querySelector("textarea");
    if (!file || !text) return;
    file.hidden = false;
    file.onchange = () => {
      const chosen = file.files[0];
      if (!chosen) return;
      const reader = new FileReader();
      reader.onload = () => {
        text.value = reader.result;
        text.dispatchEvent(new Event("input", { bubbles: true }));
      };
      reader.readAsDataURL(chosen);
    };
  }
});
