// The frame: theme, toasts, the thin line of progress, double clicks.
customElements.define("stoa-theme", class extends HTMLElement {
  connectedCallback() {
    this.onclick = (event) => {
      const wanted = event.target.closest("[data-theme-to]")?.dataset.themeTo;
      if (!wanted) return;
      document.cookie = `stoa_theme=${wanted}; path=/; max-age=31536000; samesite=lax`;
      document.documentElement.dataset.panelTheme = wanted;
      dispatchEvent(new Event("stoa:theme"));
    };
  }
});

// A message that goes by itself when it tells of a success, and waits while the pointer or focus is on it.
customElements.define("stoa-toast", class extends HTMLElement {
  connectedCallback() {
    const close = () => this.remove();
    this.querySelector(".btn-close")?.addEventListener("click", close);
    if (!this.hasAttribute("data-ends")) return;
    let timer = setTimeout(close, 5000);
    const hold = () => clearTimeout(timer);
    const resume = () => { timer = setTimeout(close, 2500); };
    for (const name of ["pointerenter", "focusin"]) this.addEventListener(name, hold);
    for (const name of ["pointerleave", "focusout"]) this.addEventListener(name, resume);
  }
});

// A form that could not be sent twice without harm is locked while it is under way.
addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
  setTimeout(() => { delete form.dataset.sent; }, 4000);
}, true);

const line = () => document.getElementById("progress");
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.boosted) line()?.classList.add("stoa-on");
});
for (const name of ["htmx:afterRequest", "htmx:historyRestore"]) {
  document.addEventListener(name, () => {
    line()?.classList.remove("stoa-on");
    document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
  });
}
// After a page changed, readers without sight begin at its heading, and those who were in an error at the error.
document.addEventListener("htmx:afterSettle", (event) => {
  if (!event.detail.boosted && event.detail.target !== document.body) return;
  const wrong = document.querySelector("main .is-invalid");
  if (wrong) wrong.focus();
});
