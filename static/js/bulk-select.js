// @ts-check
/**
 * Selecting products: how many are chosen, all or none, a range with Shift. The choice outlives
 * the list's own refresh while photos come in.
 */

import { define } from "./mount.js";

/** @type {Set<string>} */
const chosen = new Set();

define("[data-bulk-select]", (form, signal) => {
  const boxes = /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll("[data-bulk-item]")]);
  const count = form.querySelector("[data-bulk-count]");
  const several = form.querySelector("[data-bulk-several]");
  let last = -1;

  function show() {
    for (const box of boxes) chosen[box.checked ? "add" : "delete"](box.value);
    const number = boxes.filter((box) => box.checked).length;
    if (count) count.textContent = `${number} product${number === 1 ? "" : "s"} selected`;
    if (several instanceof HTMLElement) several.hidden = number < 2;
  }

  /** @param {boolean} checked */
  function setAll(checked) {
    for (const box of boxes) box.checked = checked;
    show();
  }

  form.addEventListener(
    "click",
    (event) => {
      const at = boxes.findIndex((box) => box === event.target);
      if (at < 0) return;
      if (/** @type {MouseEvent} */ (event).shiftKey && last >= 0) {
        const [from, to] = [Math.min(at, last), Math.max(at, last)];
        for (const box of boxes.slice(from, to + 1)) box.checked = boxes[at].checked;
      }
      last = at;
      show();
    },
    { signal },
  );
  form.querySelector("[data-bulk-all]")?.addEventListener("click", () => setAll(true), { signal });
  form.querySelector("[data-bulk-clear]")?.addEventListener("click", () => setAll(false), { signal });
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key === "Escape" && !document.querySelector("dialog[open], details[open]")) setAll(false);
    },
    { signal },
  );

  // Going back, the browser checks what was checked, after this has run.
  window.addEventListener("pageshow", show, { signal });
  for (const box of boxes) box.checked ||= chosen.has(box.value);
  show();
});
