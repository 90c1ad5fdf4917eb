// @ts-check
/**
 * From hints to what the page does. A poke becomes the event `live:<id>` on the body, which cards
 * name in `hx-trigger`, and the kind itself as an event; `live:<shoot>` follows at most once a
 * second. Progress moves bars directly and asks the server nothing.
 */

import { showPreview } from "./live-preview.js";
import { define } from "./mount.js";

const THROTTLE_MS = 1_000;
const BURST = 12;
const REVIEWING = ["review.opened", "render.approved", "render.rejected", "render.verdict_undone"];

/** @type {Map<string, {share: number, label: string, preview: number}>} */
const progress = new Map();
/** @type {Map<string, number>} */
const timers = new Map();
let pokes = 0;

/**
 * Tell the page now.
 * @param {string} name
 * @param {object} [detail]
 */
export function tell(name, detail = {}) {
  document.body.dispatchEvent(new CustomEvent(name, { detail }));
}

/**
 * Tell the page at most once a second, and certainly once after the last call.
 * @param {string} name
 */
export function tellSoon(name) {
  if (timers.has(name)) return;
  const run = () => {
    timers.delete(name);
    tell(name);
  };
  timers.set(name, window.setTimeout(run, THROTTLE_MS));
}

/** @param {HTMLElement} card */
function showProgress(card) {
  const known = progress.get(card.dataset.renderId ?? "");
  const bar = card.querySelector("[data-progress-bar]");
  if (!known || !(bar instanceof HTMLProgressElement)) return;
  bar.value = Math.max(known.share, bar.hasAttribute("value") ? bar.value : 0);
  const label = card.querySelector("[data-progress-label]");
  if (label) label.textContent = known.label;
  showPreview(card, known.preview);
}

/** @param {{id: string, step: number, steps: number, label: string, share: number, preview: number}} message */
export function onProgress({ id, step, steps, label, share, preview }) {
  const kind = preview ? "Preview, step" : "Step";
  progress.set(id, { share, label: `${kind} ${step} of ${steps}: ${label}`, preview });
  const card = document.querySelector(`[data-render-id="${CSS.escape(id)}"]`);
  if (!(card instanceof HTMLElement)) return;
  // Without a bar the card still says "queued": the hint that it began was lost.
  if (card.querySelector("[data-progress-bar]")) showProgress(card);
  else tellSoon(`live:${id}`);
}

/** @param {{kind: string, id: string, data: Record<string, unknown>}} message */
export function onPoke({ kind, id, data }) {
  if (kind !== "render.started") progress.delete(id);
  pokes += 1;
  window.setTimeout(() => (pokes -= 1), THROTTLE_MS);
  // A bulk approval is fetched as a page, not card by card.
  if (pokes > BURST || kind === "shoot.canceled") tellSoon("live:resync");
  else tell(`live:${id}`);
  tell(kind, { id, ...data });
  if (typeof data.shoot === "string") tellSoon(`live:${data.shoot}`);
  if (REVIEWING.includes(kind)) tellSoon("reviews-changed");
  if (kind.startsWith("shoot.") || kind.startsWith("render.")) tellSoon("shoots-changed");
}

define("[data-render-id]", showProgress);
