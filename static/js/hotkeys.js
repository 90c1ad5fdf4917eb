// @ts-check
/**
 * Single keys and two-key sequences. `data-hotkey="n"` or `data-hotkey="g p"` on a link or button
 * presses it; on a text field it takes the focus. Ignored while typing, inside dialogs and when
 * switched off (`data-hotkeys-toggle`), as WCAG 2.1.4 asks.
 */

import { define } from "./mount.js";

const STORE = "packshot.hotkeys";
const SEQUENCE_MS = 1200;
let prefix = "";
let prefixTimer = 0;

/** Return whether single-key shortcuts are on. */
export function hotkeysOn() {
  return localStorage.getItem(STORE) !== "off";
}

/**
 * Return whether a key press belongs to text entry or to an open dialog.
 * @param {KeyboardEvent} event
 */
export function isTyping(event) {
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  // A dialog that has just closed keeps the focus in its hidden field until the next frame.
  const field = target.closest("dialog:not([open])")
    ? null
    : target.closest("textarea, select, input:not([type=checkbox], [type=radio], [type=range], [type=button])");
  return Boolean(target.isContentEditable || field || document.querySelector("dialog[open]"));
}

/** @param {string} keys */
function elementFor(keys) {
  for (const element of document.querySelectorAll("[data-hotkey]")) {
    if (element instanceof HTMLElement && element.dataset.hotkey === keys) {
      const reachable = element.offsetParent !== null || element.hasAttribute("data-hotkey-always");
      if (reachable && !element.matches(":disabled, [aria-disabled=true]")) return element;
    }
  }
  return null;
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (!hotkeysOn() || isTyping(event)) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const keys = prefix ? `${prefix} ${key}` : key;
  prefix = "";
  const element = elementFor(keys);
  if (element) {
    event.preventDefault();
    if (element.matches("input:not([type=checkbox], [type=radio]), textarea")) element.focus();
    else element.click();
  } else if (document.querySelector(`[data-hotkey^="${CSS.escape(key)} "]`)) {
    prefix = key;
    clearTimeout(prefixTimer);
    prefixTimer = window.setTimeout(() => (prefix = ""), SEQUENCE_MS);
  }
});

function show() {
  document.documentElement.dataset.hotkeys = hotkeysOn() ? "on" : "off";
}

define("[data-hotkeys-toggle]", (element, signal) => {
  const box = /** @type {HTMLInputElement} */ (element);
  box.checked = hotkeysOn();
  box.addEventListener(
    "change",
    () => {
      if (box.checked) localStorage.removeItem(STORE);
      else localStorage.setItem(STORE, "off");
      show();
    },
    { signal },
  );
});

show();
