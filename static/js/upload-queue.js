// @ts-check
/** Runs tasks a few at a time, in the order they came. One that fails stops no other. */

export class UploadQueue {
  /** @param {number} parallel how many run at once */
  constructor(parallel) {
    this.parallel = parallel;
    this.running = 0;
    /** @type {(() => Promise<void>)[]} */
    this.waiting = [];
  }

  get isBusy() {
    return this.running > 0 || this.waiting.length > 0;
  }

  /** @param {() => Promise<void>} task */
  add(task) {
    this.waiting.push(task);
    this.#next();
  }

  async #next() {
    if (this.running >= this.parallel) return;
    const task = this.waiting.shift();
    if (!task) return;
    this.running += 1;
    try {
      await task();
    } finally {
      this.running -= 1;
      this.#next();
    }
  }
}
