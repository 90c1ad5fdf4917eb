// @ts-check
/**
 * Keys of the review desk that are no button's own: arrows go along the line, U takes the last
 * verdict back, digits press the reasons of the open dialog. A, R, J and K are `data-hotkey`.
 */

import { hotkeysOn, isTyping } from "./hotkeys.js";

/** @type {Record<string, string>} */
const GO = { ArrowRight: "1", ArrowLeft: "-1" };

/**
 * @param {HTMLElement} desk
 * @param {() => void} undo
 * @param {AbortSignal} signal
 */
export function attachReviewKeys(desk, undo, signal) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !hotkeysOn()) return;
    const dialog = document.querySelector("dialog[open][data-reject-dialog]");
    if (dialog) {
      if (!(event.target instanceof HTMLTextAreaElement)) press(dialog, `[data-digit="${CSS.escape(event.key)}"]`);
      return;
    }
    // Arrows on the slider move the slider.
    if (isTyping(event) || event.target instanceof HTMLInputElement) return;
    if (event.key in GO) press(desk, `[data-review-go="${GO[event.key]}"]`);
    if (event.key.toLowerCase() === "u" && !desk.querySelector("[data-undo]")) undo();
  }, { signal });
}

/** @param {Element} root @param {string} selector */
function press(root, selector) {
  const button = root.querySelector(selector);
  if (button instanceof HTMLElement) button.click();
}
