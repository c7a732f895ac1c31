// <stoa-code>: line numbers beside a <textarea>, Tab indents (Escape first, then Tab, leaves).
customElements.define("stoa-code", class extends HTMLElement {
  connectedCallback() {
    const area = this.querySelector("textarea");
    if (!area || this.numbers?.isConnected) return;
    this.numbers = document.createElement("div");
    this.numbers.className = "stoa-code-numbers";
    this.numbers.setAttribute("aria-hidden", "true");
    area.before(this.numbers);
    const draw = () => {
      const count = area.value.split("\n").length;
      if (count === this.count) return;
      this.count = count;
      this.numbers.textContent = Array.from({ length: count }, (_, place) => place + 1).join("\n");
    };
    area.addEventListener("input", draw);
    area.addEventListener("scroll", () => { this.numbers.scrollTop = area.scrollTop; });
    let leaves = false;
    area.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { leaves = true; return; }
      if (event.key === "Tab" && !event.shiftKey && !leaves) {
        event.preventDefault();
        area.setRangeText("  ", area.selectionStart, area.selectionEnd, "end");
        draw();
      }
      leaves = false;
    });
    draw();
  }
});
