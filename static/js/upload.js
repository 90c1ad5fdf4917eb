// @ts-check
/**
 * The drop zone: photos dropped anywhere on the page, pasted or picked go up one by one, three at
 * a time, each with a row of its own. A refused photo says why and stops no other.
 */

import { define } from "./mount.js";
import { filesPicked } from "./upload-files.js";
import { watchPage } from "./upload-page.js";
import { UploadQueue } from "./upload-queue.js";
import { sendPhoto } from "./upload-request.js";
import { UploadRow } from "./upload-row.js";

const PARALLEL = 3;
const AUTOMATIC_RETRIES = 3;
const REFRESH_MS = 1500;

/** @param {number} seconds */
const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

define("[data-upload]", (element, signal) => {
  const form = /** @type {HTMLFormElement} */ (element);
  const template = /** @type {HTMLTemplateElement} */ (form.querySelector("[data-upload-row]"));
  const list = /** @type {HTMLElement} */ (form.querySelector("[data-upload-rows]"));
  const summary = /** @type {HTMLElement} */ (form.querySelector("[data-upload-summary]"));
  const input = /** @type {HTMLInputElement} */ (form.querySelector("[type=file]"));
  const queue = new UploadQueue(PARALLEL);
  /** @type {UploadRow[]} */
  let rows = [];
  let refreshTimer = 0;

  /** @param {File[]} files */
  function take(files) {
    if (!files.length) return;
    form.dataset.used = "";
    /** @type {HTMLElement} */ (form.querySelector("[data-upload-progress]")).hidden = false;
    for (const file of files) {
      const row = new UploadRow(template, file, () => queueUp(row));
      rows.push(row);
      list.append(row.element);
      queueUp(row);
    }
    tell();
  }

  /** @param {UploadRow} row */
  function queueUp(row) {
    row.wait();
    queue.add(() => send(row));
  }

  /** @param {UploadRow} row */
  async function send(row) {
    row.progress(0);
    row.preview();
    let outcome = await sendPhoto(form, row.file, (share) => row.progress(share));
    for (let tries = 0; outcome.retryAfterSeconds && tries < AUTOMATIC_RETRIES; tries += 1) {
      row.wait();
      await pause(outcome.retryAfterSeconds);
      outcome = await sendPhoto(form, row.file, (share) => row.progress(share));
    }
    row.finish(outcome);
    if (outcome.state === "accepted") refreshSoon();
    tell();
  }

  function tell() {
    const over = rows.filter((row) => row.isOver).length;
    const bad = rows.filter((row) => row.state === "refused" || row.state === "failed").length;
    const trouble = bad ? `, ${bad} not used` : "";
    summary.textContent = over < rows.length
      ? `${over} of ${rows.length} photos done${trouble}`
      : `${rows.length - bad} of ${rows.length} photos uploaded${trouble}`;
  }

  function refreshSoon() {
    refreshTimer ||= window.setTimeout(() => {
      refreshTimer = 0;
      document.body.dispatchEvent(new CustomEvent("photos-uploaded"));
    }, REFRESH_MS);
  }

  /** @param {Partial<HTMLInputElement>} how */
  function pick(how) {
    Object.assign(input, { webkitdirectory: false, multiple: true, ...how });
    input.toggleAttribute("capture", "capture" in how);
    input.click();
  }

  const on = (/** @type {string} */ selector, /** @type {() => void} */ act) =>
    form.querySelector(selector)?.addEventListener("click", act, { signal });
  on("[data-upload-pick]", () => pick({}));
  on("[data-upload-pick-folder]", () => pick({ webkitdirectory: true }));
  on("[data-upload-pick-camera]", () => pick(/** @type {any} */ ({ multiple: false, capture: "" })));
  on("[data-upload-clear]", () => {
    rows.filter((row) => row.isOver).forEach((row) => row.element.remove());
    rows = rows.filter((row) => !row.isOver);
    /** @type {HTMLElement} */ (form.querySelector("[data-upload-progress]")).hidden = !rows.length;
  });
  input.addEventListener("change", () => { take(filesPicked(input.files)); input.value = ""; }, { signal });
  watchPage(form, take, () => queue.isBusy, signal);
});
