// @ts-check
/** Drawing by keyboard on the canvas, and the keys that work anywhere on the page. */

import { hotkeysOn, isTyping } from "./hotkeys.js";

/** @typedef {import("./retouch-state.js").RetouchState} RetouchState */

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const BIG_STEP = 5;
const SIZE_STEP = 1.2;

/**
 * @param {HTMLCanvasElement} canvas
 * @param {RetouchState} state
 * @param {import("./retouch-view.js").RetouchView} view
 * @param {(text: string) => void} say
 * @param {{isHeld: boolean, isUsed: boolean}} space held: the pointer moves the photo
 * @param {AbortSignal} signal
 */
export function drawByKeys(canvas, state, view, say, space, signal) {
  /** @param {[number, number]} by in steps @param {number} size */
  function move(by, size) {
    const [x, y] = state.cursor ?? [0.5, 0.5];
    const reach = Math.max(state.radius, 0.004) * size * view.longest;
    const inside = (/** @type {number} */ value) => Math.round(Math.min(1, Math.max(0, value)) * 1e4) / 1e4;
    const next = /** @type {[number, number]} */ ([
      inside(x + (by[0] * reach) / view.photo.width),
      inside(y + (by[1] * reach) / view.photo.height),
    ]);
    if (state.pending && state.pending.tool !== "outline") state.pending.points.push(next);
    view.reveal(next);
    state.look({ cursor: next });
  }

  function pen() {
    const at = state.cursor ?? [0.5, 0.5];
    if (state.pending?.tool === "outline") {
      state.pending.points.push(at);
      state.look({ cursor: at });
      say(`Corner ${state.pending.points.length} set. Enter closes the outline.`);
    } else if (state.pending) state.finish();
    else if (!state.isFull) {
      state.look({ cursor: at });
      state.begin(at);
      say(state.tool === "outline" ? "Corner 1 set. Move on and press Space for the next." : "Brush down. Space lifts it.");
    }
  }

  function enter() {
    if (!state.pending && state.tool !== "outline" && !state.isFull) state.begin(state.cursor ?? [0.5, 0.5]);
    state.finish();
  }

  canvas.addEventListener("focus", () => state.look({ cursor: state.cursor ?? [0.5, 0.5] }), { signal });
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[/** @type {keyof typeof ARROWS} */ (event.key)];
    if (arrow) move(/** @type {[number, number]} */ (arrow), event.shiftKey ? BIG_STEP : 1);
    else if (event.key === "Enter") enter();
    else if (event.key === "Escape") {
      if (!state.pending) return;
      state.look({ pending: null });
      say("Given up.");
    } else return;
    event.preventDefault();
  }, { signal });

  document.addEventListener("keydown", (event) => {
    if (isTyping(event) || event.altKey) return;
    const onCanvas = document.activeElement === canvas;
    if (event.key === " " && (onCanvas || document.activeElement === document.body)) {
      event.preventDefault();
      if (!space.isHeld) space.isUsed = false;
      space.isHeld = true;
    } else if ((event.ctrlKey || event.metaKey) && ["z", "Z", "y"].includes(event.key)) {
      event.preventDefault();
      state.go(event.key === "z" && !event.shiftKey ? -1 : 1);
    } else if ((event.key === "[" || event.key === "]") && hotkeysOn()) {
      state.look({ radius: state.radius * (event.key === "]" ? SIZE_STEP : 1 / SIZE_STEP) });
    }
  }, { signal });
  document.addEventListener("keyup", (event) => {
    if (event.key !== " " || !space.isHeld) return;
    space.isHeld = false;
    // Space with the pointer moved the photo; alone it is the pen.
    if (!space.isUsed && document.activeElement === canvas) pen();
  }, { signal });
}
