// @ts-check
/** The buttons beside the photo: tool, brush size, undo, what the photo is shown on, zoom. */

import { LARGEST_RADIUS, LEAST_RADIUS } from "./retouch-state.js";

const ZOOM = { in: 1.5, out: 1 / 1.5, fit: 0 };

/** Slider to radius and back: equal ways are equal ratios. @param {number} value */
const radiusOf = (value) => LEAST_RADIUS * (LARGEST_RADIUS / LEAST_RADIUS) ** (value / 100);
/** @param {number} radius */
const sliderOf = (radius) => (100 * Math.log(radius / LEAST_RADIUS)) / Math.log(LARGEST_RADIUS / LEAST_RADIUS);

/**
 * @param {HTMLElement} form
 * @param {import("./retouch-state.js").RetouchState} state
 * @param {import("./retouch-view.js").RetouchView} view
 * @param {AbortSignal} signal
 */
export function useTools(form, state, view, signal) {
  const all = (/** @type {string} */ name) => /** @type {HTMLElement[]} */ ([...form.querySelectorAll(`[data-retouch-${name}]`)]);
  const one = (/** @type {string} */ name) => all(name)[0];
  const on = (/** @type {HTMLElement} */ element, /** @type {(event: Event) => void} */ act, event = "click") =>
    element.addEventListener(event, (happened) => element.getAttribute("aria-disabled") !== "true" && act(happened), { signal });
  const size = /** @type {HTMLInputElement} */ (one("size"));
  const hint = one("hint");

  for (const button of all("tool")) {
    on(button, () => state.look({ tool: /** @type {any} */ (button.dataset.retouchTool), pending: null }));
  }
  for (const button of all("show")) on(button, () => state.look({ show: /** @type {any} */ (button.dataset.retouchShow) }));
  for (const button of all("zoom")) {
    on(button, () => {
      const factor = ZOOM[/** @type {keyof typeof ZOOM} */ (button.dataset.retouchZoom)];
      if (factor) view.zoom(factor);
      else view.fit();
      state.look({});
    });
  }
  on(size, () => state.look({ radius: radiusOf(Number(size.value)) }), "input");
  on(one("undo"), () => state.go(-1));
  on(one("redo"), () => state.go(1));
  on(one("close"), () => state.finish());

  /** @param {HTMLElement} button @param {boolean} can */
  function allow(button, can) {
    if (can) button.removeAttribute("aria-disabled");
    else button.setAttribute("aria-disabled", "true");
  }

  function show() {
    for (const button of all("tool")) button.setAttribute("aria-pressed", String(button.dataset.retouchTool === state.tool));
    for (const button of all("show")) button.setAttribute("aria-pressed", String(button.dataset.retouchShow === state.show));
    const text = hint.dataset[state.tool] ?? "";
    if (hint.textContent !== text) hint.textContent = text;
    one("size-field").hidden = state.tool === "outline";
    one("close").hidden = state.pending?.tool !== "outline" || state.pending.points.length < 3;
    if (document.activeElement !== size) size.value = String(Math.round(sliderOf(state.radius)));
    size.setAttribute("aria-valuetext", `${(state.radius * 200).toFixed(1)} percent of the photo`);
    allow(one("undo"), state.canUndo);
    allow(one("redo"), state.canRedo);
  }

  for (const event of ["look", "steps", "busy"]) state.addEventListener(event, show, { signal });
  show();
}
