// @ts-check
/** `<details data-menu>`: closes on Escape, on a click elsewhere and when focus leaves it. */

import { define } from "./mount.js";

define("[data-menu]", (element, signal) => {
  const menu = /** @type {HTMLDetailsElement} */ (element);
  const summary = menu.querySelector("summary");
  document.addEventListener(
    "click",
    (event) => {
      if (event.target instanceof Node && !menu.contains(event.target)) menu.open = false;
    },
    { signal },
  );
  menu.addEventListener(
    "focusout",
    (event) => {
      if (event.relatedTarget instanceof Node && !menu.contains(event.relatedTarget)) menu.open = false;
    },
    { signal },
  );
  menu.addEventListener(
    "keydown",
    (event) => {
      if (event.key === "Escape" && menu.open) {
        menu.open = false;
        summary?.focus();
        event.stopPropagation();
      } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && menu.open) {
        event.preventDefault();
        moveFocus(menu, event.key === "ArrowDown" ? 1 : -1);
      }
    },
    { signal },
  );
});

/**
 * @param {HTMLElement} menu
 * @param {1 | -1} step
 */
function moveFocus(menu, step) {
  const items = [...menu.querySelectorAll("a[href], button:not(:disabled)")].filter(
    (item) => item instanceof HTMLElement && item.offsetParent !== null,
  );
  if (!items.length) return;
  const at = items.indexOf(/** @type {Element} */ (document.activeElement));
  const next = items[at < 0 && step < 0 ? items.length - 1 : (at + step + items.length) % items.length];
  if (next instanceof HTMLElement) next.focus();
}
