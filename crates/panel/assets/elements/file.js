// <stoa-file>: reads a chosen file into its <textarea>, as a data URL.
customElements.define("stoa-file", class extends HTMLElement {
  connectedCallback() {
    const area = this.querySelector("textarea");
    const chooser = this.querySelector("input[type=file]");
    if (!area || !chooser) return;
    chooser.hidden = false;
    chooser.onchange = () => {
      const [file] = chooser.files;
      if (!file) return;
      const reader = new FileReader();
      reader.onload = () => {
        // Browsers leave the type out where they know none.
        area.value = reader.result.replace(/^data:;/, "data:application/octet-stream;");
        area.dispatchEvent(new Event("input", { bubbles: true }));
      };
      reader.readAsDataURL(file);
    };
  }
});
