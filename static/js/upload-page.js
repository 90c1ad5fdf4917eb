// @ts-check
/** What of the whole page belongs to its drop zone: drops, pastes and leaving too early. */

import { filesFrom } from "./upload-files.js";

/**
 * Drops and pastes count anywhere on the page; leaving it while files go up asks first.
 * @param {HTMLElement} zone @param {(files: File[]) => void} take
 * @param {() => boolean} isBusy @param {AbortSignal} signal
 */
export function watchPage(zone, take, isBusy, signal) {
  const carries = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
  /** @param {DragEvent} event */
  const over = (event) => { if (carries(event)) { event.preventDefault(); zone.dataset.state = "over"; } };
  /** @param {DragEvent} event */
  const leave = (event) => { if (!event.relatedTarget) delete zone.dataset.state; };
  document.addEventListener("dragover", over, { signal });
  document.addEventListener("dragleave", leave, { signal });
  document.addEventListener("drop", async (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    delete zone.dataset.state;
    take(await filesFrom(event.dataTransfer));
  }, { signal });
  document.addEventListener("paste", async (event) => {
    if (event.clipboardData?.files.length) take(await filesFrom(event.clipboardData));
  }, { signal });
  window.addEventListener("beforeunload", (event) => { if (isBusy()) event.preventDefault(); }, { signal });
}
