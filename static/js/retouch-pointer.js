// @ts-check
/**
 * Mouse, pen and fingers on the canvas. One finger or the left button draws; two fingers, the middle
 * button or the space bar with any button move the photo, two fingers and the wheel zoom.
 */

/** @typedef {import("./retouch-state.js").RetouchState} RetouchState */
/** @typedef {import("./retouch-view.js").RetouchView} RetouchView */

const CLICK_PX = 4;
const CORNER_PX = 12;
const LEAST_MOVE_PX = 2;

/**
 * @param {HTMLCanvasElement} canvas
 * @param {RetouchState} state
 * @param {RetouchView} view
 * @param {{isHeld: boolean, isUsed: boolean}} space
 * @param {AbortSignal} signal
 */
export function drawByPointer(canvas, state, view, space, signal) {
  /** @type {Map<number, PointerEvent>} */
  const down = new Map();
  let moving = false;
  /** @type {PointerEvent | null} where the stroke began */
  let from = null;

  const far = (/** @type {PointerEvent} */ a, /** @type {PointerEvent} */ b) => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
  const spread = () => {
    const [a, b] = [...down.values()];
    return { length: far(a, b), x: (a.clientX + b.clientX) / 2, y: (a.clientY + b.clientY) / 2 };
  };

  /** @param {PointerEvent} event whether it falls on the first corner of an open outline */
  function closes(event) {
    const points = state.pending?.points ?? [];
    if (points.length < 3) return false;
    const box = canvas.getBoundingClientRect();
    const x = box.x + view.x + points[0][0] * view.photo.width * view.scale;
    const y = box.y + view.y + points[0][1] * view.photo.height * view.scale;
    return Math.hypot(event.clientX - x, event.clientY - y) < CORNER_PX;
  }

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    down.set(event.pointerId, event);
    if (down.size === 2 || event.button === 1 || space.isHeld) {
      // The second finger tells that the first did not mean to draw.
      if (state.tool !== "outline") state.look({ pending: null });
      moving = space.isUsed = true;
      from = null;
      canvas.dataset.state = "moving";
    } else if (down.size === 1 && event.button === 0) {
      from = event;
      if (state.pending?.tool === "outline") {
        if (closes(event)) state.finish();
        else state.pending.points.push(view.pointAt(event));
      } else if (!state.isFull) state.begin(view.pointAt(event));
    }
    state.look({ cursor: view.pointAt(event) });
  }, { signal });

  canvas.addEventListener("pointermove", (event) => {
    const before = down.get(event.pointerId);
    if (moving && before) {
      const old = down.size > 1 ? spread() : null;
      down.set(event.pointerId, event);
      const now = down.size > 1 ? spread() : null;
      if (old && now) {
        const box = canvas.getBoundingClientRect();
        view.zoom(now.length / Math.max(1, old.length), now.x - box.x, now.y - box.y);
        view.move(now.x - old.x, now.y - old.y);
      } else view.move(event.clientX - before.clientX, event.clientY - before.clientY);
    } else if (from && before && state.pending && far(from, event) >= LEAST_MOVE_PX) {
      for (const each of event.getCoalescedEvents?.() ?? [event]) state.pending.points.push(view.pointAt(each));
    }
    state.look({ cursor: view.pointAt(event) });
  }, { signal });

  /** @param {PointerEvent} event */
  function lift(event) {
    const was = down.delete(event.pointerId);
    if (moving) {
      if (!down.size) {
        moving = false;
        delete canvas.dataset.state;
      }
    } else if (was && from) {
      // A click sets a corner of an outline, a drag draws it whole.
      const isCorner = state.tool === "outline" && far(from, event) < CLICK_PX;
      if (event.type === "pointercancel") state.look({ pending: null });
      else if (state.pending && !isCorner) state.finish();
    }
    from = null;
    if (event.pointerType === "touch") state.look({ cursor: null });
  }
  for (const name of /** @type {const} */ (["pointerup", "pointercancel"])) canvas.addEventListener(name, lift, { signal });
  canvas.addEventListener("pointerleave", (event) => {
    if (!down.size && event.pointerType !== "touch") state.look({ cursor: null });
  }, { signal });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const box = canvas.getBoundingClientRect();
    view.zoom(Math.exp(-event.deltaY * 0.002), event.clientX - box.x, event.clientY - box.y);
    state.look({});
  }, { signal, passive: false });
}
