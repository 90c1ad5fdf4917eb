// @ts-check
/**
 * What a person has done to a cutout so far, and what is shown of it. Everything else listens:
 * `look` (draw again), `steps` (ask for the mask), `mask` (a new one is there), `busy`.
 */

/** @typedef {"keep" | "remove" | "outline"} Tool */
/** @typedef {[number, number]} Point share of the photo's width and height */
/** @typedef {{tool: Tool, radius: number, points: Point[]}} Step */
/** @typedef {{start: string, steps: Step[]}} Version */

export const LEAST_RADIUS = 0.003;
export const LARGEST_RADIUS = 0.09;

/** Steps and points that the server takes, a little below its limits. */
const MOST_STEPS = 190;
const MOST_POINTS = 19_000;

export class RetouchState extends EventTarget {
  /** @type {Tool} */
  tool = "keep";
  radius = 0.02;
  /** @type {"marked" | "checker" | "white" | "black"} */
  show = "marked";
  /** @type {Point | null} where the brush is */
  cursor = null;
  /** @type {Step | null} what is being drawn */
  pending = null;
  /** @type {HTMLCanvasElement | ImageBitmap | null} opaque where the product is */
  mask = null;
  busy = false;
  /** @type {Version[]} */
  #versions = [{ start: "current", steps: [] }];
  #at = 0;

  /** @returns {Version} */
  get now() {
    return this.#versions[this.#at];
  }

  get canUndo() {
    return this.#at > 0;
  }

  get canRedo() {
    return this.#at < this.#versions.length - 1;
  }

  get isFull() {
    const { steps } = this.now;
    return steps.length >= MOST_STEPS || steps.reduce((sum, step) => sum + step.points.length, 0) >= MOST_POINTS;
  }

  /** @param {string} name */
  tell(name) {
    this.dispatchEvent(new Event(name));
  }

  /** @param {Partial<Pick<RetouchState, "tool" | "radius" | "show" | "cursor" | "pending">>} changes */
  look(changes) {
    Object.assign(this, changes);
    this.radius = Math.min(LARGEST_RADIUS, Math.max(LEAST_RADIUS, this.radius));
    this.tell("look");
  }

  /** @param {Point} point */
  begin(point) {
    this.look({ pending: { tool: this.tool, radius: this.radius, points: [point] } });
  }

  /** Take what was drawn as the next step; an outline of less than three corners is nothing. */
  finish() {
    const step = this.pending;
    this.pending = null;
    if (!step || (step.tool === "outline" && step.points.length < 3)) this.tell("look");
    else this.#add({ start: this.now.start, steps: [...this.now.steps, step] });
  }

  /** @param {string} start name of the mask to begin anew with */
  beginWith(start) {
    if (start !== this.now.start || this.now.steps.length) this.#add({ start, steps: [] });
  }

  /** @param {-1 | 1} by */
  go(by) {
    if (by < 0 ? !this.canUndo : !this.canRedo) return;
    this.#at += by;
    this.pending = null;
    this.tell("steps");
  }

  /** @param {HTMLCanvasElement | ImageBitmap} mask */
  setMask(mask) {
    this.mask = mask;
    this.tell("mask");
  }

  /** @param {boolean} busy */
  setBusy(busy) {
    this.busy = busy;
    this.tell("busy");
  }

  /** @param {Version} version */
  #add(version) {
    this.#versions = [...this.#versions.slice(0, this.#at + 1), version];
    this.#at += 1;
    this.tell("steps");
  }
}
