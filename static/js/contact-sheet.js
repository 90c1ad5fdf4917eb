// @ts-check
/** A shoot's page: the title in the tab, a spoken summary, places in the queue, the selection. */

import { define } from "./mount.js";

const SPOKEN_EVERY = 10;
let spoken = -SPOKEN_EVERY;
let asking = false;

/** Speak every tenth percent, never every card. @param {number} percent @param {string} text */
function speak(percent, text) {
  const region = document.querySelector("[data-toast-region]");
  if (percent - spoken < SPOKEN_EVERY || !region) return;
  spoken = percent;
  const line = document.createElement("p");
  line.className = "visually-hidden";
  line.textContent = text;
  region.append(line);
  window.setTimeout(() => line.remove(), 4_000);
}

/** Fetch where the queued renders stand. @param {string} url */
async function showStanding(url) {
  const places = [...document.querySelectorAll("[data-standing]")];
  if (!places.length || asking) return;
  asking = true;
  try {
    const answer = await fetch(url, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    const { renders } = await answer.json();
    for (const place of places) {
      const text = renders[/** @type {HTMLElement} */ (place).dataset.standing ?? ""];
      if (text) place.textContent = text;
    }
  } catch {
    // Away for a moment: the next hint asks again.
  } finally {
    asking = false;
  }
}

define("[data-shoot-head]", (head) => {
  const { percent = "0", open = "0", failed = "0", name = "", standingUrl = "" } = head.dataset;
  const running = open !== "0";
  const suffix = document.title.replace(/^\(\d+ %\) /, "");
  document.title = running ? `(${percent} %) ${suffix}` : suffix;
  const failures = failed === "0" ? "" : `, ${failed} failed`;
  speak(Number(percent), running ? `${name}: ${percent} percent done${failures}` : `${name} is finished${failures}`);
  if (running) showStanding(standingUrl);
});

/** What is selected, by id: a card that fetches itself again comes back selected. @type {Set<string>} */
const chosen = new Set();
const boxes = () => /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll("[data-selectable]")]);

/** @param {HTMLInputElement[]} which @param {boolean} checked */
function select(which, checked) {
  for (const box of which) {
    box.checked = checked;
    chosen[checked ? "add" : "delete"](box.value);
  }
  showSelection();
}

function showSelection() {
  const bar = document.querySelector("[data-selection]");
  const count = bar?.querySelector("[data-selection-count]");
  const here = boxes().filter((box) => chosen.has(box.value)).length;
  if (bar instanceof HTMLElement) bar.hidden = here === 0;
  if (count) count.textContent = String(here);
}

define("[data-selectable]", (element) => {
  const box = /** @type {HTMLInputElement} */ (element);
  // What the browser kept checked over a reload counts too.
  if (box.checked) chosen.add(box.value);
  box.checked = chosen.has(box.value);
});

define("[data-select-all]", (button, signal) => {
  button.addEventListener("click", () => select(boxes(), true), { signal });
});

define("[data-selection]", (bar, signal) => {
  /** @type {HTMLInputElement | null} */
  let anchor = null;

  document.addEventListener(
    "click",
    (event) => {
      const box = event.target;
      if (!(box instanceof HTMLInputElement) || !box.matches("[data-selectable]")) return;
      const all = boxes();
      const [from, to] = [all.indexOf(anchor ?? box), all.indexOf(box)].sort((a, b) => a - b);
      select(event.shiftKey && from >= 0 ? all.slice(from, to + 1) : [box], box.checked);
      anchor = box;
    },
    { signal },
  );
  bar.querySelector("[data-selection-clear]")?.addEventListener("click", () => select(boxes(), false), { signal });
  bar.addEventListener("htmx:afterRequest", (event) => {
    if (/** @type {CustomEvent} */ (event).detail.successful) chosen.clear();
  }, { signal });
  document.addEventListener("htmx:afterSettle", showSelection, { signal });
  showSelection();
});
