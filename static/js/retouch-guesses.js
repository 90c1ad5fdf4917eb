// @ts-check
/** Other masks to begin with, as small pictures in which what they leave out is marked. */

import { shadeOutside } from "./retouch-layers.js";

/**
 * Add one to the list.
 * @param {HTMLElement} form
 * @param {import("./retouch-state.js").RetouchState} state
 * @param {HTMLImageElement} photo
 * @param {(name: string) => string} color of the marks
 * @param {{name: string, label: string, mask: ImageBitmap}} guess
 * @param {AbortSignal} signal
 */
export function offerGuess(form, state, photo, color, { name, label, mask }, signal) {
  const template = /** @type {HTMLTemplateElement} */ (form.querySelector("template[data-retouch-guess]"));
  const button = /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
  const text = button.querySelector("[data-retouch-guess-name]");
  if (text) text.textContent = label;
  const canvas = /** @type {HTMLCanvasElement} */ (button.querySelector("canvas"));
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const scale = canvas.width / Math.max(photo.naturalWidth, photo.naturalHeight);
  const [wide, high] = [photo.naturalWidth * scale, photo.naturalHeight * scale];
  for (const layer of [photo, shadeOutside(photo, mask, color)]) {
    context.drawImage(layer, (canvas.width - wide) / 2, (canvas.height - high) / 2, wide, high);
  }

  const show = () => button.setAttribute("aria-pressed", String(state.now.start === name));
  button.addEventListener("click", () => state.beginWith(name), { signal });
  state.addEventListener("steps", show, { signal });
  show();
  form.querySelector("[data-retouch-guess-list]")?.append(button);
}
