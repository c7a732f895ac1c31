// <form data-check>: whoever leaves a field that they changed is told at once what is wrong with it. The form is sent as
// it is, to be looked at only, and what the answer says of the field is put below it. Without a script the same is said
// when the form is sent.
const CHECKED = "input:not([type=hidden], [type=password], [type=file], [type=checkbox], [type=radio]), select, textarea";

function tell(control, message) {
  const field = control.closest(".mb-3");
  if (!field) return;
  field.querySelectorAll(".invalid-feedback").forEach((old) => old.remove());
  control.classList.toggle("is-invalid", Boolean(message));
  if (message) {
    const said = document.createElement("div");
    said.className = "invalid-feedback d-block";
    said.id = `${control.id}-error`;
    said.setAttribute("role", "status");
    said.textContent = message;
    field.append(said);
    control.setAttribute("aria-invalid", "true");
    control.setAttribute("aria-describedby", said.id);
  } else {
    control.removeAttribute("aria-invalid");
    control.removeAttribute("aria-describedby");
  }
}

async function check(control) {
  const form = control.form;
  const sent = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    const isSecret = form.querySelector(`input[type=password][name="${CSS.escape(name)}"]`);
    if (typeof value === "string" && !isSecret) sent.append(name, value);
  }
  if (form.querySelector("button[name=go]")) sent.set("go", "next");
  const value = control.value;
  const reply = await fetch(form.action, { method: "POST", body: sent, headers: { "x-stoa-check": control.name } }).catch(() => undefined);
  if (!reply || ![200, 422].includes(reply.status)) return;
  const page = new DOMParser().parseFromString(await reply.text(), "text/html");
  // Meanwhile it may have been sent, or be something else.
  if (!form.isConnected || form.dataset.sent || control.value !== value) return;
  const found = page.querySelector(`.mb-3 [name="${CSS.escape(control.name)}"]`);
  tell(control, found?.closest(".mb-3").querySelector(".invalid-feedback")?.textContent.trim());
}

addEventListener("focusin", ({ target }) => {
  if (target.form?.hasAttribute("data-check")) target.dataset.before ??= target.value;
});
addEventListener("focusout", ({ target }) => {
  if (!target.form?.hasAttribute("data-check") || !target.name || !target.matches(CHECKED)) return;
  if (target.value === target.dataset.before && !target.hasAttribute("aria-invalid")) return;
  target.dataset.before = target.value;
  check(target);
});
