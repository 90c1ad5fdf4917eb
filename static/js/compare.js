// @ts-check
/** Photo against render: a slider, the photo while a key or button is held, and the surround. */

import { hotkeysOn, isTyping } from "./hotkeys.js";
import { define } from "./mount.js";

const SPLIT = "packshot.compare.split";
const SURROUND = "packshot.compare.surround";

define("[data-compare]", (figure, signal) => {
  const range = figure.querySelector("[data-compare-range]");
  if (!(range instanceof HTMLInputElement)) return;
  const cut = (/** @type {string} */ share) => figure.style.setProperty("--split", `${share}%`);
  const show = () => cut(range.value);
  range.value = localStorage.getItem(SPLIT) ?? range.value;
  range.addEventListener("input", show, { signal });
  range.addEventListener("change", () => localStorage.setItem(SPLIT, range.value), { signal });
  show();

  const hold = () => cut("100");
  const button = figure.parentElement?.querySelector("[data-compare-hold]");
  for (const [event, act] of Object.entries({ pointerdown: hold, pointerup: show, pointerleave: show, pointercancel: show })) {
    button?.addEventListener(event, act, { signal });
  }
  button?.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
  /** @param {KeyboardEvent} event */
  const isHold = (event) => {
    const free = !(event.target instanceof HTMLElement) || !event.target.closest("button:not([data-compare-hold]), a, summary");
    return event.key === " " && free && hotkeysOn() && !isTyping(event);
  };
  document.addEventListener("keydown", (event) => {
    if (!isHold(event)) return;
    event.preventDefault();
    hold();
  }, { signal });
  document.addEventListener("keyup", (event) => {
    if (isHold(event)) show();
  }, { signal });
});

/** @param {string} choice */
function surround(choice) {
  for (const figure of document.querySelectorAll("[data-compare]")) {
    if (figure instanceof HTMLElement) figure.dataset.surround = choice;
  }
  for (const button of document.querySelectorAll("[data-surround-choice]")) {
    if (button instanceof HTMLElement) button.setAttribute("aria-pressed", String(button.dataset.surroundChoice === choice));
  }
}

define("[data-surround-choice]", (button, signal) => {
  button.addEventListener("click", () => {
    localStorage.setItem(SURROUND, button.dataset.surroundChoice ?? "gray");
    surround(button.dataset.surroundChoice ?? "gray");
  }, { signal });
  surround(localStorage.getItem(SURROUND) ?? "gray");
});
