// @ts-check
/** One file in the list of uploads: its picture, how far it is, what became of it. */

/** @typedef {import("./upload-request.js").Outcome} Outcome */

const PREVIEW_PX = 80;

export class UploadRow {
  /**
   * @param {HTMLTemplateElement} template
   * @param {File} file
   * @param {() => void} onRetry
   */
  constructor(template, file, onRetry) {
    this.file = file;
    this.element = /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
    this.#part("name").textContent = file.name;
    this.#part("meter").setAttribute("aria-label", `Upload of ${file.name}`);
    const retry = /** @type {HTMLButtonElement} */ (this.#part("retry"));
    retry.addEventListener("click", () => {
      retry.hidden = true;
      onRetry();
    });
    const dismiss = this.#part("dismiss");
    dismiss.setAttribute("aria-label", `Remove ${file.name} from the list`);
    dismiss.addEventListener("click", () => this.element.remove());
  }

  get state() {
    return this.element.dataset.state ?? "";
  }

  get isOver() {
    return ["accepted", "duplicate", "refused", "failed"].includes(this.state);
  }

  wait() {
    this.#show("waiting", "Waiting");
  }

  /** @param {number} share 0 to 1 of the bytes sent */
  progress(share) {
    const meter = /** @type {HTMLProgressElement} */ (this.#part("meter"));
    meter.value = Math.round(100 * share);
    if (share < 1) this.#show("sending", `${meter.value} % sent`);
    else this.#show("reading", "Reading the photo");
  }

  /** @param {Outcome} outcome */
  finish(outcome) {
    this.#show(outcome.state, outcome.text);
    this.#part("retry").hidden = outcome.state !== "failed";
    this.#part("dismiss").hidden = false;
    if (!outcome.photo) return;
    const link = /** @type {HTMLAnchorElement} */ (this.#part("product"));
    link.href = outcome.photo.product_url;
    link.textContent = outcome.photo.sku;
    link.setAttribute("aria-label", `Open product ${outcome.photo.sku}`);
    link.hidden = location.pathname === outcome.photo.product_url;
    const image = new Image(PREVIEW_PX, PREVIEW_PX);
    image.alt = "";
    image.src = outcome.photo.thumb_url;
    this.#picture().replaceChildren(image);
  }

  /** Draw the file itself where the browser can; a HEIC keeps the icon until the server answers. */
  async preview() {
    try {
      const bitmap = await createImageBitmap(this.file, { resizeWidth: PREVIEW_PX });
      const canvas = document.createElement("canvas");
      canvas.width = bitmap.width;
      canvas.height = bitmap.height;
      canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
      bitmap.close();
      if (!this.isOver) this.#picture().replaceChildren(canvas);
    } catch {
      // No picture: the icon stays.
    }
  }

  /** @param {string} state @param {string} text */
  #show(state, text) {
    this.element.dataset.state = state;
    this.#part("text").textContent = text;
  }

  #picture() {
    return /** @type {HTMLElement} */ (this.element.querySelector(".upload-row__picture"));
  }

  /** @param {string} name */
  #part(name) {
    return /** @type {HTMLElement} */ (this.element.querySelector(`[data-row-${name}]`));
  }
}
