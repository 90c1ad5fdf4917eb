// @ts-check
/**
 * `data-submit-on-change` on a field sends its form; without script a button beside it does.
 * Plain forms are sent once: while the answer is awaited, a second click does nothing.
 */

import { define } from "./mount.js";

define("[data-submit-on-change]", (field, signal) => {
  field.addEventListener("change", () => /** @type {HTMLSelectElement} */ (field).form?.requestSubmit(), {
    signal,
  });
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !(form instanceof HTMLFormElement) || form.method !== "post") return;
  if (form.dataset.state === "sending") {
    event.preventDefault();
    return;
  }
  form.dataset.state = "sending";
  event.submitter?.setAttribute("data-state", "busy");
});

// Coming back by the browser's history shows the form as it was left.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-state=sending]")) {
    if (form instanceof HTMLElement) delete form.dataset.state;
    for (const button of form.querySelectorAll("[data-state=busy]")) button.removeAttribute("data-state");
  }
});
