// @ts-check
/**
 * The review desk: a verdict shows the next render at once and is sent meanwhile; if it cannot be
 * saved, the render comes back with the reason. Without this module the same forms and links work
 * page by page.
 */

import { post } from "./form-post.js";
import { define, mount, unmount } from "./mount.js";
import { attachReviewKeys } from "./review-keys.js";
import { ReviewLine } from "./review-line.js";
import { showToast } from "./toast.js";

/** @typedef {{id: string, href: string, title: string, form: HTMLFormElement}} Given */

const DONE = { approve: "Approved", reject: "Rejected" };

define("[data-review-desk]", (desk, signal) => {
  const item = () => /** @type {HTMLElement} */ (desk.querySelector("[data-review-item]"));
  const line = new ReviewLine(desk, () => item().dataset.reviewItem ?? "");
  /** @type {Given | null} */
  let last = null;
  let sending = Promise.resolve();
  let toast = /** @type {HTMLElement | null} */ (null);

  /** One verdict at a time is undone, so one is told of. @param {HTMLElement | null} next */
  function say(next) {
    toast?.remove();
    toast = next;
  }

  /** @param {string} href @param {{push?: boolean, fresh?: boolean}} [how] */
  async function show(href, { push = true, fresh = false } = {}) {
    if (fresh) line.coming.delete(href);
    const html = await line.take(href).catch(() => "");
    const next = new DOMParser().parseFromString(html, "text/html").querySelector("[data-review-item]");
    if (!next) return location.assign(href);
    const old = item();
    const focused = old.contains(document.activeElement);
    unmount(old);
    old.replaceWith(next);
    mount(next);
    if (push) history.pushState({}, "", href);
    // Never onto Approve: Space shows the photo, and on a focused button it would give a verdict.
    if (focused) /** @type {HTMLElement | null} */ (next.querySelector("[data-compare]"))?.focus({ preventScroll: true });
    const status = desk.querySelector("[data-review-status]");
    if (status) status.textContent = item().dataset.title ?? "";
    line.settle();
  }

  /** @param {HTMLFormElement} form @param {HTMLElement | null} submitter */
  function decide(form, submitter) {
    const verdict = /** @type {"approve" | "reject"} */ (form.dataset.verdict);
    const was = { id: line.here(), href: line.present?.href ?? location.href, title: item().dataset.title ?? "", form };
    const sent = post(form, submitter);
    sending = sent.catch(() => {});
    line.decided.set(was.id, verdict);
    line.count(1);
    form.closest("dialog")?.close();
    const next = line.ahead[0];
    if (next) show(next.href);
    else sent.then(() => location.assign(desk.dataset.queueUrl ?? ""), () => {});
    sent.then(() => saved(was, verdict), (error) => refused(was, error));
  }

  /** @param {Given} was @param {"approve" | "reject"} verdict */
  function saved(was, verdict) {
    last = was;
    say(showToast(`${DONE[verdict]}: ${was.title}`, "success", { label: "Undo", run: undo }));
    document.body.dispatchEvent(new Event("reviews-changed"));
    line.refill();
  }

  /** @param {Given} was @param {Error} error */
  function refused(was, error) {
    line.decided.delete(was.id);
    line.count(-1);
    showToast(error.message, "danger");
    show(was.href, { fresh: true });
  }

  async function undo() {
    const was = last;
    if (!was) return;
    last = null;
    was.form.action = was.form.action.replace(/\/verdict$/, "/undo");
    try {
      await sending;
      await post(was.form);
      line.decided.delete(was.id);
      document.body.dispatchEvent(new Event("reviews-changed"));
      await line.refresh();
      await show(was.href, { fresh: true });
      say(showToast("Verdict undone", "info"));
    } catch (error) {
      showToast(/** @type {Error} */ (error).message, "danger");
    }
  }

  desk.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.matches("[data-verdict]")) return;
    event.preventDefault();
    decide(form, event.submitter);
  }, { signal });

  desk.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[data-review-go], a[data-strip-frame]") : null;
    if (!(link instanceof HTMLAnchorElement) || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    const frame = link.matches("[data-strip-frame]") ? link : link.dataset.reviewGo === "1" ? line.ahead[0] : line.behind;
    if (frame) show(frame.href);
  }, { signal });

  window.addEventListener("popstate", () => show(location.href, { push: false, fresh: true }), { signal });
  document.body.addEventListener("review.opened", () => line.refill(), { signal });
  attachReviewKeys(desk, undo, signal);
  line.settle();
});
