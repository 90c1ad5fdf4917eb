// @ts-check
/** Which part of the photo the canvas shows: whole, larger, moved. Lengths are CSS pixels. */

const LARGEST = 12;
const FIT_MARGIN = 12;

export class RetouchView {
  /** @type {number} CSS pixels to one pixel of the photo */
  scale = 1;
  x = 0;
  y = 0;
  #fit = 1;
  #isWhole = true;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{width: number, height: number}} photo
   */
  constructor(canvas, photo) {
    this.canvas = canvas;
    this.photo = photo;
    this.fit();
  }

  /** Show the whole photo. */
  fit() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const room = Math.max(40, Math.min(width, height) - 2 * FIT_MARGIN);
    this.#fit = Math.min(
      Math.max(room, width - 2 * FIT_MARGIN) / this.photo.width,
      Math.max(room, height - 2 * FIT_MARGIN) / this.photo.height,
    );
    this.scale = this.#fit;
    this.x = (width - this.photo.width * this.scale) / 2;
    this.y = (height - this.photo.height * this.scale) / 2;
    this.#isWhole = true;
  }

  /** The canvas has another size: what was whole stays whole. */
  resized() {
    if (this.#isWhole) this.fit();
    else this.move(0, 0);
  }

  /**
   * Zoom by a factor and keep what lies under a point there.
   * @param {number} factor
   * @param {number} [x] from the left of the canvas; its middle if left out
   * @param {number} [y]
   */
  zoom(factor, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2) {
    const scale = Math.min(this.#fit * LARGEST, Math.max(this.#fit, this.scale * factor));
    if (scale === this.#fit) {
      this.fit();
      return;
    }
    this.x = x - ((x - this.x) * scale) / this.scale;
    this.y = y - ((y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.#isWhole = false;
    this.move(0, 0);
  }

  /**
   * Move the photo; some of it always stays in sight.
   * @param {number} dx
   * @param {number} dy
   */
  move(dx, dy) {
    const [wide, high] = [this.photo.width * this.scale, this.photo.height * this.scale];
    const { clientWidth: width, clientHeight: height } = this.canvas;
    this.x = Math.min(width * 0.75, Math.max(width * 0.25 - wide, this.x + dx));
    this.y = Math.min(height * 0.75, Math.max(height * 0.25 - high, this.y + dy));
    if (dx || dy) this.#isWhole = false;
  }

  /**
   * Return the place in the photo under a place on the screen, at its edge if it lies outside.
   * @param {{clientX: number, clientY: number}} place
   * @returns {[number, number]}
   */
  pointAt({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    const share = (/** @type {number} */ value, /** @type {number} */ length) =>
      Math.round(Math.min(1, Math.max(0, value / (length * this.scale))) * 1e4) / 1e4;
    return [share(clientX - box.x - this.x, this.photo.width), share(clientY - box.y - this.y, this.photo.height)];
  }

  /**
   * Bring a place of the photo into sight.
   * @param {[number, number]} point
   */
  reveal([x, y]) {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const [left, top] = [this.x + x * this.photo.width * this.scale, this.y + y * this.photo.height * this.scale];
    const past = (/** @type {number} */ at, /** @type {number} */ length) =>
      at < length * 0.1 ? length * 0.1 - at : at > length * 0.9 ? length * 0.9 - at : 0;
    const [dx, dy] = [past(left, width), past(top, height)];
    if (this.#isWhole || (!dx && !dy)) return;
    this.move(dx, dy);
  }

  /** Pixels of the photo to a share of its longest side. */
  get longest() {
    return Math.max(this.photo.width, this.photo.height);
  }
}
