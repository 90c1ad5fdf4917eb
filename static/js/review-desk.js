// @ts-check
/**
 * The review desk: a verdict shows the next render at once and is sent meanwhile. The film strip
 * is the line; the next two items and their pictures are fetched ahead. Without this module the
 * same forms and links work page by page.
 */

import { hotkeysOn, isTyping } from "./hotkeys.js";
import { define, mount, unmount } from "./mount.js";
import { showToast } from "./toast.js";

const AHEAD = 2;
const PARTIAL = { "HX-Request": "true" };
const DONE = { approve: "Approved", reject: "Rejected" };

define("[data-review-desk]", (desk, signal) => {
  /** @type {Map<string, Promise<string>>} */
  const ready = new Map();
  /** @type {Map<string, string>} */
  const decided = new Map();
  /** @type {{id: string, href: string, form: HTMLFormElement} | null} */
  let last = null;
  /** @type {Promise<unknown>} */
  let sending = Promise.resolve();

  const item = () => /** @type {HTMLElement} */ (desk.querySelector("[data-review-item]"));
  const here = () => item().dataset.reviewItem ?? "";
  const frames = () => /** @type {HTMLAnchorElement[]} */ ([...desk.querySelectorAll("[data-strip-frame]")]);

  /** The frames still to judge, from the present one on, then from the start. */
  function line() {
    const all = frames();
    const at = all.findIndex((frame) => frame.dataset.stripFrame === here());
    const order = [...all.slice(at + 1), ...all.slice(0, Math.max(at, 0))];
    return order.filter((frame) => !decided.has(frame.dataset.stripFrame ?? ""));
  }

  /** @param {string} href */
  function fetched(href) {
    const known = ready.get(href);
    if (known) return known;
    const coming = fetch(href, { headers: PARTIAL }).then((answer) => {
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.text();
    });
    ready.set(href, coming);
    coming.catch(() => ready.delete(href));
    return coming;
  }

  function prepare() {
    for (const frame of line().slice(0, AHEAD)) {
      fetched(frame.href).then((html) => {
        const page = new DOMParser().parseFromString(html, "text/html");
        for (const image of page.querySelectorAll("img")) new Image().src = image.getAttribute("src") ?? "";
      }, () => {});
    }
  }

  function markStrip() {
    for (const frame of frames()) {
      const id = frame.dataset.stripFrame ?? "";
      if (decided.has(id)) frame.dataset.state = decided.get(id);
      else delete frame.dataset.state;
      if (id === here()) frame.setAttribute("aria-current", "true");
      else frame.removeAttribute("aria-current");
      if (id === here()) frame.scrollIntoView({ block: "nearest", inline: "center" });
    }
  }

  /** @param {string} href @param {{push?: boolean, fresh?: boolean}} [how] */
  async function show(href, { push = true, fresh = false } = {}) {
    if (fresh) ready.delete(href);
    let html = "";
    try {
      html = await fetched(href);
    } catch {
      location.assign(href);
      return;
    }
    ready.delete(href);
    const old = item();
    const focused = old.contains(document.activeElement);
    const next = new DOMParser().parseFromString(html, "text/html").querySelector("[data-review-item]");
    if (!next) return location.assign(href);
    unmount(old);
    old.replaceWith(next);
    mount(next);
    if (push) history.pushState({}, "", href);
    if (focused) /** @type {HTMLElement | null} */ (next.querySelector("[data-verdict] button, [data-review-go='1']"))?.focus();
    markStrip();
    prepare();
  }

  function goOn() {
    const next = line()[0];
    if (next) show(next.href);
    else sending.then(() => location.assign(desk.dataset.queueUrl ?? ""));
  }

  /** @param {HTMLFormElement} form @param {HTMLElement | null} [submitter] */
  async function post(form, submitter) {
    const answer = await fetch(form.action, {
      method: "POST",
      body: new FormData(form, submitter),
      headers: { Accept: "application/json" },
    });
    if (answer.ok) return;
    const problem = await answer.json().catch(() => ({}));
    throw new Error(problem.detail ?? "That was not saved. Try again.");
  }

  /** @param {HTMLFormElement} form @param {HTMLElement | null} submitter */
  function decide(form, submitter) {
    const verdict = /** @type {"approve" | "reject"} */ (form.dataset.verdict);
    const was = { id: here(), href: location.href, title: item().dataset.title ?? "", form };
    const sent = post(form, submitter);
    sending = sent.catch(() => {});
    decided.set(was.id, verdict);
    form.closest("dialog")?.close();
    goOn();
    count(1);
    sent.then(
      () => {
        last = was;
        showToast(`${DONE[verdict]}: ${was.title}`, "success", { label: "Undo", run: undoLast });
        document.body.dispatchEvent(new Event("reviews-changed"));
        refill();
      },
      (error) => {
        decided.delete(was.id);
        count(-1);
        showToast(error.message, "danger");
        show(was.href, { fresh: true });
      },
    );
  }

  async function undoLast() {
    const was = last;
    if (!was) return;
    last = null;
    was.form.action = was.form.action.replace(/\/verdict$/, "/undo");
    try {
      await post(was.form);
      decided.delete(was.id);
      count(-1);
      document.body.dispatchEvent(new Event("reviews-changed"));
      showToast("Verdict undone", "info");
      await show(was.href, { fresh: true });
    } catch (error) {
      showToast(/** @type {Error} */ (error).message, "danger");
    }
  }

  /** @param {number} by */
  function count(by) {
    const strip = /** @type {HTMLElement | null} */ (desk.querySelector("[data-strip]"));
    const meter = document.querySelector("[data-review-meter]");
    const badge = /** @type {HTMLElement | null} */ (document.querySelector("[data-review-waiting]"));
    if (!strip) return;
    strip.dataset.waiting = String(Number(strip.dataset.waiting) - by);
    if (meter instanceof HTMLProgressElement) meter.value += by;
    if (badge) badge.textContent = `${Number(strip.dataset.waiting).toLocaleString("en")} to review`;
  }

  /** Fetch more of the line when its end comes into sight; the present item never moves. */
  async function refill() {
    const strip = /** @type {HTMLElement | null} */ (desk.querySelector("[data-strip]"));
    if (!strip || line().length > 4 || Number(strip.dataset.waiting) <= line().length) return;
    await sending;
    const answer = await fetch(strip.dataset.stripUrl ?? "", { headers: PARTIAL });
    const next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-strip]");
    if (!next) return;
    strip.replaceWith(next);
    markStrip();
    prepare();
  }

  desk.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement)) return;
    if (form.matches("[data-verdict]")) {
      event.preventDefault();
      decide(form, event.submitter);
    }
  }, { signal });

  desk.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[data-review-go], a[data-strip-frame]") : null;
    if (!(link instanceof HTMLAnchorElement) || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    if (link.matches("[data-strip-frame]")) show(link.href);
    else if (link.dataset.reviewGo === "1") { if (line()[0]) show(line()[0].href); }
    else {
      const all = frames();
      const at = all.findIndex((frame) => frame.dataset.stripFrame === here());
      if (at > 0) show(all[at - 1].href);
    }
  }, { signal });

  document.addEventListener("keydown", (event) => {
    const dialog = document.querySelector("dialog[open][data-reject-dialog]");
    if (dialog && !(event.target instanceof HTMLTextAreaElement)) {
      const button = dialog.querySelector(`[data-digit="${CSS.escape(event.key)}"]`);
      if (button instanceof HTMLElement) button.click();
      return;
    }
    if (isTyping(event) || !hotkeysOn() || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof HTMLInputElement) return;
    const go = { ArrowRight: "1", ArrowLeft: "-1" }[event.key];
    if (go) /** @type {HTMLElement | null} */ (desk.querySelector(`[data-review-go="${go}"]`))?.click();
    if (event.key === "u" && last && !desk.querySelector("[data-undo]")) undoLast();
  }, { signal });

  window.addEventListener("popstate", () => show(location.href, { push: false, fresh: true }), { signal });
  document.body.addEventListener("review.opened", refill, { signal });
  markStrip();
  prepare();
});
