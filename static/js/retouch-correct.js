// @ts-check
/** After every step, undo and redo: the mask that belongs to it. Only the last question counts. */

import { Refusal, askServer, maskOf } from "./retouch-server.js";

/** @typedef {import("./retouch-state.js").RetouchState} RetouchState */

const SLOW_MS = 400;
/** A process that was started again has to read the photo first: it is asked again so often. */
const BUSY_TRIES = 4;

/**
 * @param {HTMLFormElement} form
 * @param {RetouchState} state
 * @param {Map<string, ImageBitmap>} starts masks to begin with, by name
 * @param {(text: string, tone?: "danger") => void} say
 * @param {AbortSignal} signal
 */
export function followSteps(form, state, starts, say, signal) {
  const retry = /** @type {HTMLElement} */ (form.querySelector("[data-retouch-again]"));
  let running = false;
  let again = false;

  async function maskNow() {
    const { start, steps } = state.now;
    const known = steps.length ? undefined : starts.get(start);
    if (known) return { mask: known, share: null };
    const { body } = await askServer(form, form.dataset.correctUrl ?? "", { start, steps });
    return { mask: await maskOf(body.mask), share: body.share };
  }

  async function maskSoon() {
    for (let tries = 1; ; tries += 1) {
      try {
        return await maskNow();
      } catch (error) {
        const isBusy = error instanceof Refusal && error.code === "retouch.busy";
        if (!isBusy || again || tries === BUSY_TRIES) throw error;
        say("Still finding the edge…");
      }
    }
  }

  /** Ask and show; what was drawn meanwhile is asked for next, whatever came of this. */
  async function update() {
    try {
      const { mask, share } = await maskSoon();
      if (again) return;
      state.setMask(mask);
      say(share === null ? "" : `Edge updated: ${Math.round(share * 100)} % of the photo is product.`);
    } catch (error) {
      if (!again) throw error;
    }
  }

  async function follow() {
    if (running) {
      again = true;
      return;
    }
    running = true;
    state.setBusy(true);
    const slow = window.setTimeout(() => say("Finding the edge…"), SLOW_MS);
    try {
      do {
        again = false;
        await update();
      } while (again);
      retry.hidden = true;
    } catch (error) {
      retry.hidden = false;
      say(error instanceof Error ? error.message : String(error), "danger");
    } finally {
      window.clearTimeout(slow);
      running = false;
      state.setBusy(false);
    }
  }

  state.addEventListener("steps", follow, { signal });
  // After a failure the strokes are there and their mask is not.
  retry.addEventListener("click", follow, { signal });
}
