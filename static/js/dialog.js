// @ts-check
/**
 * Native dialogs. `data-dialog-open="<id>"` opens one, `data-dialog-close` closes the one around
 * it, a click on the scrim closes too. `data-dialog-auto` opens by itself when it arrives by htmx.
 */

import { define } from "./mount.js";

define("[data-dialog-open]", (button, signal) => {
  button.addEventListener(
    "click",
    (event) => {
      const dialog = document.getElementById(button.dataset.dialogOpen ?? "");
      if (!(dialog instanceof HTMLDialogElement)) return;
      event.preventDefault();
      dialog.showModal();
    },
    { signal },
  );
});

define("[data-dialog-close]", (button, signal) => {
  button.addEventListener("click", () => button.closest("dialog")?.close(), { signal });
});

define("dialog", (element, signal) => {
  const dialog = /** @type {HTMLDialogElement} */ (element);
  dialog.addEventListener(
    "click",
    (event) => {
      if (event.target === dialog) dialog.close();
    },
    { signal },
  );
  if (dialog.hasAttribute("data-dialog-auto")) dialog.showModal();
});
