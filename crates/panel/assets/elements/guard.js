// Forms with data-guard: whoever changed something is asked before leaving without sending it.
const touched = () => document.querySelector("form[data-guard][data-touched]");
const leave = () => confirm(document.body.dataset.unsaved);
addEventListener("input", (event) => {
  const form = event.target.closest?.("form[data-guard]");
  if (form && event.isTrusted) form.dataset.touched = "yes";
});
addEventListener("submit", (event) => { delete event.target.dataset.touched; });
addEventListener("beforeunload", (event) => { if (touched()) event.preventDefault(); });
document.addEventListener("htmx:confirm", (event) => {
  const form = touched();
  if (!form || form.contains(event.target) || !event.target.matches("a[href]")) return;
  event.preventDefault();
  if (leave()) {
    delete form.dataset.touched;
    event.detail.issueRequest(true);
  }
});
