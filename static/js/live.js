// @ts-check
/**
 * One socket for the page. Hints come in, the page fetches the truth.
 *
 * A poke becomes the event `live:<id>` on the body (and, at most once a second, `live:<shoot>`),
 * which cards name in `hx-trigger`. Progress moves bars directly. Hints may be lost: on connecting,
 * on silence while `[data-live-busy]` is on the page, and in place of the socket while it is away,
 * `live:resync` tells everything live to fetch itself.
 */

import { define } from "./mount.js";

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 20_000;
const SILENCE_MS = 10_000;
const POLL_MS = 5_000;
const PING_MS = 25_000;
const THROTTLE_MS = 1_000;
const BURST = 12;
const ENDED = [4403, 1008];
const REVIEWING = ["review.opened", "render.approved", "render.rejected", "render.verdict_undone"];

/** @type {Map<string, {share: number, label: string}>} */
const progress = new Map();
/** @type {Map<string, number>} */
const timers = new Map();
let retryMs = FIRST_RETRY_MS;
let heardAt = Date.now();
let pokes = 0;
/** @type {"connecting" | "live" | "away" | "ended"} */
let state = "connecting";

/** @param {string} name */
function tell(name, detail = {}) {
  document.body.dispatchEvent(new CustomEvent(name, { detail }));
}

/** Tell at most once a second, and certainly once after the last call. @param {string} name */
function tellSoon(name) {
  if (timers.has(name)) return;
  timers.set(name, window.setTimeout(() => { timers.delete(name); tell(name); }, THROTTLE_MS));
}

const WORDS = {
  connecting: "Connecting",
  live: "Live",
  away: "Reconnecting, refreshing every 5 s",
  ended: "Updates ended: reload the page",
};

/** @param {HTMLElement} element */
function showState(element) {
  element.hidden = state === "connecting";
  element.dataset.state = state;
  const text = element.querySelector("[data-live-text]");
  if (text && text.textContent !== WORDS[state]) text.textContent = WORDS[state];
}

/** @param {typeof state} next */
function enter(next) {
  state = next;
  document.querySelectorAll("[data-live-state]").forEach((element) => showState(/** @type {HTMLElement} */ (element)));
}

/** @param {HTMLElement} card */
function showProgress(card) {
  const known = progress.get(card.dataset.renderId ?? "");
  const bar = card.querySelector("[data-progress-bar]");
  if (!known || !(bar instanceof HTMLProgressElement)) return;
  bar.value = Math.max(known.share, bar.hasAttribute("value") ? bar.value : 0);
  const label = card.querySelector("[data-progress-label]");
  if (label) label.textContent = known.label;
}

/** @param {{id: string, step: number, steps: number, label: string, share: number}} message */
function onProgress({ id, step, steps, label, share }) {
  progress.set(id, { share, label: `Step ${step} of ${steps}: ${label}` });
  const card = document.querySelector(`[data-render-id="${CSS.escape(id)}"]`);
  if (!(card instanceof HTMLElement)) return;
  // The hint that it began was lost: the card still says "queued".
  if (card.querySelector("[data-progress-bar]")) showProgress(card);
  else tellSoon(`live:${id}`);
}

/** @param {{kind: string, id: string, data: Record<string, unknown>}} message */
function onPoke({ kind, id, data }) {
  if (kind !== "render.started") progress.delete(id);
  pokes += 1;
  window.setTimeout(() => (pokes -= 1), THROTTLE_MS);
  // A bulk approval of a page of cards is fetched as a page, not card by card.
  if (pokes > BURST || kind === "shoot.canceled") tellSoon("live:resync");
  else tell(`live:${id}`);
  tell(kind, { id, ...data });
  if (typeof data.shoot === "string") tellSoon(`live:${data.shoot}`);
  if (REVIEWING.includes(kind)) tellSoon("reviews-changed");
  if (kind.startsWith("shoot.") || kind.startsWith("render.")) tellSoon("shoots-changed");
}

function connect() {
  const slug = document.body.dataset.workspace;
  if (!slug) return;
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/ws/w/${slug}/`);
  const ping = window.setInterval(() => {
    if (socket.readyState === WebSocket.OPEN) socket.send('{"type":"ping"}');
  }, PING_MS);
  socket.addEventListener("open", () => {
    retryMs = FIRST_RETRY_MS;
    enter("live");
    tell("live:resync");
  });
  socket.addEventListener("message", (event) => {
    const message = JSON.parse(event.data);
    if (message.type !== "pong") heardAt = Date.now();
    if (message.type === "progress") onProgress(message);
    if (message.type === "poke") onPoke(message);
  });
  socket.addEventListener("close", (event) => {
    clearInterval(ping);
    enter(ENDED.includes(event.code) ? "ended" : "away");
    if (state === "ended") return;
    // Spread over the interval: a restarted server is not met by all pages at once.
    window.setTimeout(connect, retryMs * (0.5 + Math.random()));
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
  });
}

window.setInterval(() => {
  if (document.hidden || state === "ended" || !document.querySelector("[data-live-busy]")) return;
  const quiet = Date.now() - heardAt;
  if (quiet < (state === "live" ? SILENCE_MS : POLL_MS)) return;
  heardAt = Date.now();
  tell("live:resync");
}, 1_000);

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) tellSoon("live:resync");
});

define("[data-render-id]", showProgress);
define("[data-live-state]", showState);
connect();
