// @ts-check
/**
 * Short messages at the edge of the page. Servers send them as Django messages or as
 * `HX-Trigger: {"toast": {"text": "…", "tone": "success"}}`, scripts call `showToast`.
 */

import { define } from "./mount.js";

const SHOWN_MS = 8000;

/**
 * Show a message.
 * @param {string} text
 * @param {"success" | "warning" | "danger" | "info"} [tone]
 * @param {{label: string, run: () => void}} [action] a button inside the toast, such as Undo
 * @returns {HTMLElement | null} the toast, to remove it early
 */
export function showToast(text, tone = "info", action) {
  const template = document.querySelector(`template[data-toast-template="${tone}"]`);
  const region = document.querySelector("[data-toast-region]");
  if (!(template instanceof HTMLTemplateElement) || !region) return null;
  const toast = /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
  const line = toast.querySelector("[data-toast-text]");
  if (line) line.textContent = text;
  if (action) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button button--small";
    button.textContent = action.label;
    button.addEventListener("click", () => {
      toast.remove();
      action.run();
    });
    line?.after(button);
  }
  region.append(toast);
  attachToast(toast);
  return toast;
}

/** @param {HTMLElement} toast */
function attachToast(toast) {
  let timer = 0;
  const wait = () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => toast.remove(), SHOWN_MS);
  };
  const hold = () => clearTimeout(timer);
  toast.addEventListener("mouseenter", hold);
  toast.addEventListener("focusin", hold);
  toast.addEventListener("mouseleave", wait);
  toast.addEventListener("focusout", wait);
  toast.querySelector("[data-toast-close]")?.addEventListener("click", () => toast.remove());
  // An error stays until it is read.
  if (toast.dataset.tone !== "danger" && toast.dataset.tone !== "error") wait();
}

define("[data-toast]", attachToast);

document.addEventListener("toast", (event) => {
  const { text, tone } = /** @type {CustomEvent} */ (event).detail;
  showToast(text, tone);
});
