// @ts-check
/**
 * The line of renders to judge: which comes next, fetched ahead with its pictures. The film strip
 * on the page is the line; what was decided here stays in it, marked, until it is fetched anew.
 */

const AHEAD = 2;
const REFILL_AT = 4;
const PARTIAL = { headers: { "HX-Request": "true" } };

export class ReviewLine {
  /** @param {HTMLElement} desk @param {() => string} here the render on the desk */
  constructor(desk, here) {
    this.desk = desk;
    this.here = here;
    /** @type {Map<string, string>} */
    this.decided = new Map();
    /** @type {Map<string, Promise<string>>} */
    this.coming = new Map();
  }

  get strip() {
    return /** @type {HTMLElement} */ (this.desk.querySelector("[data-strip]"));
  }

  get frames() {
    return /** @type {HTMLAnchorElement[]} */ ([...this.strip.querySelectorAll("[data-strip-frame]")]);
  }

  /** The frame of the render on the desk. */
  get present() {
    return this.frames.find((frame) => frame.dataset.stripFrame === this.here());
  }

  /** The frames still to judge, from the present one on, then from the start. */
  get ahead() {
    const at = this.frames.findIndex((frame) => frame.dataset.stripFrame === this.here());
    const order = [...this.frames.slice(at + 1), ...this.frames.slice(0, Math.max(at, 0))];
    return order.filter((frame) => !this.decided.has(frame.dataset.stripFrame ?? ""));
  }

  /** The frame before the present one. */
  get behind() {
    const at = this.frames.findIndex((frame) => frame.dataset.stripFrame === this.here());
    return at > 0 ? this.frames[at - 1] : undefined;
  }

  /**
   * Return an item's HTML, fetched ahead or now; each answer is used once.
   * @param {string} href
   */
  take(href) {
    const answer = this.fetched(href);
    this.coming.delete(href);
    return answer;
  }

  /** @param {string} href */
  fetched(href) {
    const known = this.coming.get(href);
    if (known) return known;
    const answer = fetch(href, PARTIAL).then((response) => {
      if (!response.ok) throw new Error(String(response.status));
      return response.text();
    });
    this.coming.set(href, answer);
    answer.catch(() => this.coming.delete(href));
    return answer;
  }

  /** Mark the strip and fetch what comes next. */
  settle() {
    for (const frame of this.frames) {
      const id = frame.dataset.stripFrame ?? "";
      const verdict = this.decided.get(id);
      if (verdict) frame.dataset.state = verdict;
      else delete frame.dataset.state;
      frame.toggleAttribute("aria-current", id === this.here());
      if (id !== this.here()) continue;
      frame.setAttribute("aria-current", "true");
      this.strip.scrollTo({ left: frame.offsetLeft - this.strip.clientWidth / 2 });
    }
    for (const frame of this.ahead.slice(0, AHEAD)) {
      this.fetched(frame.href).then((html) => {
        const page = new DOMParser().parseFromString(html, "text/html");
        for (const image of page.querySelectorAll("img")) new Image().src = image.getAttribute("src") ?? "";
      }, () => {});
    }
  }

  /** Fetch more of the line when its end comes into sight. The present item never moves. */
  async refill() {
    if (this.ahead.length <= REFILL_AT && Number(this.strip.dataset.waiting) > this.ahead.length) await this.refresh();
  }

  /** Fetch the line and its counts as the server has them. */
  async refresh() {
    const response = await fetch(this.strip.dataset.stripUrl ?? "", PARTIAL);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const next = page.querySelector("[data-strip]");
    if (next) this.strip.replaceWith(next);
    this.count(0);
    this.settle();
  }

  /** Count a verdict (1) or its undoing (-1) on the page; 0 shows the strip's own counts. @param {number} by */
  count(by) {
    const { waiting: left = "0", decided = "0", total = "0" } = this.strip.dataset;
    const waiting = Number(left) - by;
    Object.assign(this.strip.dataset, { waiting: String(waiting), decided: String(Number(decided) + by) });
    const badge = document.querySelector("[data-review-waiting]");
    if (badge) badge.textContent = `${waiting.toLocaleString("en")} to review`;
    const meter = document.querySelector("[data-review-meter]");
    const done = document.querySelector("[data-review-done]");
    if (!(meter instanceof HTMLProgressElement) || !done) return;
    [meter.max, meter.value] = [Number(total), Number(decided) + by];
    done.textContent = `${meter.value.toLocaleString("en")} of ${meter.max.toLocaleString("en")} decided`;
  }
}
