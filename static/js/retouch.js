// @ts-check
/** The page on which a cutout is corrected: loads the photo and its mask, and joins the parts. */

import { define } from "./mount.js";
import { followSteps } from "./retouch-correct.js";
import { offerGuess } from "./retouch-guesses.js";
import { keepOnDemand } from "./retouch-keep.js";
import { drawByKeys } from "./retouch-keys.js";
import { colorsOf } from "./retouch-layers.js";
import { paintRetouch } from "./retouch-paint.js";
import { drawByPointer } from "./retouch-pointer.js";
import { askServer, askUntilDone, maskOf } from "./retouch-server.js";
import { RetouchState } from "./retouch-state.js";
import { useTools } from "./retouch-tools.js";
import { RetouchView } from "./retouch-view.js";

const MAKERS = {
  person: "Corrected by hand",
  engine: "Made by the engine",
  file: "From the file's transparency",
  nobody: "No product found: draw an outline",
};

define("[data-retouch]", (element, signal) => {
  const form = /** @type {HTMLFormElement} */ (element);
  const status = /** @type {HTMLElement} */ (form.querySelector("[data-retouch-status]"));
  const say = (/** @type {string} */ text, /** @type {string} */ tone = "") => {
    status.dataset.tone = tone;
    if (status.textContent !== text) status.textContent = text;
  };
  begin(form, say, signal).catch((error) => say(error instanceof Error ? error.message : String(error), "danger"));
});

/**
 * @param {HTMLFormElement} form
 * @param {(text: string, tone?: "danger") => void} say
 * @param {AbortSignal} signal
 */
async function begin(form, say, signal) {
  const canvas = /** @type {HTMLCanvasElement} */ (form.querySelector("[data-retouch-canvas]"));
  const photo = new Image();
  photo.src = form.dataset.photoUrl ?? "";
  await photo.decode().catch(() => {
    throw new Error("The photo cannot be shown. Reload the page.");
  });
  const state = new RetouchState();
  const view = new RetouchView(canvas, { width: photo.naturalWidth, height: photo.naturalHeight });
  const paint = paintRetouch(canvas, photo, state, view);
  const space = { isHeld: false, isUsed: false };
  /** @type {Map<string, ImageBitmap>} */
  const starts = new Map();
  useTools(form, state, view, signal);
  keepOnDemand(form, state, say, signal);
  followSteps(form, state, starts, say, signal);
  const sizes = new ResizeObserver(() => {
    view.resized();
    paint();
  });
  sizes.observe(canvas);
  signal.addEventListener("abort", () => sizes.disconnect());

  say("Looking for the product…");
  const opened = await askUntilDone(() => askServer(form, form.dataset.maskUrl ?? ""));
  starts.set("current", await maskOf(opened.mask));
  state.setMask(/** @type {ImageBitmap} */ (starts.get("current")));
  const badge = document.querySelector("[data-retouch-maker]");
  if (badge && opened.maker !== "person") badge.textContent = MAKERS[/** @type {keyof typeof MAKERS} */ (opened.maker)];
  if (opened.maker === "nobody") state.look({ tool: "outline" });
  // Only now: what is drawn belongs to a mask.
  drawByPointer(canvas, state, view, space, signal);
  drawByKeys(canvas, state, view, say, space, signal);
  form.dataset.state = "ready";
  say("");
  await offerOthers(form, state, photo, colorsOf(canvas), starts, signal);
}

/**
 * @param {HTMLFormElement} form
 * @param {RetouchState} state
 * @param {HTMLImageElement} photo
 * @param {(name: string) => string} color
 * @param {Map<string, ImageBitmap>} starts
 * @param {AbortSignal} signal
 */
async function offerOthers(form, state, photo, color, starts, signal) {
  const { masks } = await askUntilDone(() => askServer(form, form.dataset.othersUrl ?? ""));
  if (!masks.length) return;
  const current = /** @type {ImageBitmap} */ (starts.get("current"));
  offerGuess(form, state, photo, color, { name: "current", label: "As it is", mask: current }, signal);
  for (const [place, { name, mask }] of masks.entries()) {
    starts.set(name, await maskOf(mask));
    const guess = { name, label: `Guess ${place + 1}`, mask: /** @type {ImageBitmap} */ (starts.get(name)) };
    offerGuess(form, state, photo, color, guess, signal);
  }
  const group = form.querySelector("[data-retouch-guesses]");
  if (group instanceof HTMLElement) group.hidden = false;
}
