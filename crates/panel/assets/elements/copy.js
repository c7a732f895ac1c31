// <stoa-copy>: copies the text of its <code>, and says so.
customElements.define("stoa-copy", class extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector("button");
    if (!button || !navigator.clipboard) return;
    button.hidden = false;
    button.onclick = async (event) => {
      event.preventDefault();
      await navigator.clipboard.writeText(this.querySelector("code").textContent);
      button.classList.add("text-green");
      setTimeout(() => button.classList.remove("text-green"), 1500);
    };
  }
});
