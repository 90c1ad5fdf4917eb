// @ts-check
/** Keeping the corrected cutout: makes it in full size, then goes to what can be done with it. */

import { askServer, askUntilDone } from "./retouch-server.js";

/**
 * @param {HTMLFormElement} form
 * @param {import("./retouch-state.js").RetouchState} state
 * @param {(text: string, tone?: "danger") => void} say
 * @param {AbortSignal} signal
 */
export function keepOnDemand(form, state, say, signal) {
  const button = /** @type {HTMLElement} */ (form.querySelector("[data-retouch-keep]"));
  const retry = /** @type {HTMLElement} */ (form.querySelector("[data-retouch-again]"));
  let keeping = false;
  let isKept = false;

  const show = () => {
    // Nobody keeps strokes whose edge was not shown.
    if (state.mask && !state.busy && !keeping && retry.hidden) button.removeAttribute("aria-disabled");
    else button.setAttribute("aria-disabled", "true");
  };

  async function keep() {
    keeping = true;
    button.dataset.state = "busy";
    show();
    say("Making the cutout in full size…");
    try {
      const { start, steps } = state.now;
      const kept = await askUntilDone(
        () => askServer(form, form.dataset.keepUrl ?? "", { start, steps }),
        ({ body }) => () => askServer(form, form.dataset.collectUrl ?? "", body),
      );
      isKept = true;
      location.assign(kept.url);
    } catch (error) {
      say(error instanceof Error ? error.message : String(error), "danger");
    } finally {
      keeping = false;
      delete button.dataset.state;
      show();
    }
  }

  button.addEventListener("click", () => button.getAttribute("aria-disabled") !== "true" && keep(), { signal });
  for (const event of ["mask", "busy", "steps"]) state.addEventListener(event, show, { signal });
  window.addEventListener("beforeunload", (event) => {
    if (!isKept && state.now.steps.length) event.preventDefault();
  }, { signal });
  form.addEventListener("submit", (event) => event.preventDefault(), { signal });
  show();
}
