// @ts-check
/**
 * One socket for the page. Hints come in, the page fetches the truth.
 *
 * Hints may be lost: on connecting, on silence while `[data-live-busy]` is on the page, and in
 * place of the socket while it is away, `live:resync` tells everything live to fetch itself.
 */

import { onPoke, onProgress, tell, tellSoon } from "./live-hints.js";
import { define } from "./mount.js";

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 8_000;
const SILENCE_MS = 10_000;
const POLL_MS = 5_000;
const PING_MS = 25_000;
const ENDED = [4403, 1008];
const WORDS = {
  connecting: "Connecting",
  live: "Live",
  away: "Reconnecting, refreshing every 5 s",
  ended: "Updates ended: reload the page",
};

/** @type {keyof typeof WORDS} */
let state = "connecting";
let retryMs = FIRST_RETRY_MS;
let heardAt = Date.now();

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
  for (const element of document.querySelectorAll("[data-live-state]")) {
    if (element instanceof HTMLElement) showState(element);
  }
}

/** @param {MessageEvent<string>} event */
function hear(event) {
  const message = JSON.parse(event.data);
  if (message.type !== "pong") heardAt = Date.now();
  if (message.type === "progress") onProgress(message);
  if (message.type === "poke") onPoke(message);
}

function connect() {
  const slug = document.body.dataset.workspace;
  if (!slug) return;
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/ws/w/${slug}/`);
  const ping = window.setInterval(() => {
    if (socket.readyState === WebSocket.OPEN) socket.send('{"type":"ping"}');
  }, PING_MS);
  socket.addEventListener("message", hear);
  socket.addEventListener("open", () => {
    retryMs = FIRST_RETRY_MS;
    enter("live");
    tell("live:resync");
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
  if (Date.now() - heardAt < (state === "live" ? SILENCE_MS : POLL_MS)) return;
  heardAt = Date.now();
  tell("live:resync");
}, 1_000);

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) tellSoon("live:resync");
});

define("[data-live-state]", showState);
connect();
