// @ts-check
/**
 * What htmx does when the server cannot be reached or answers with an error without a fragment.
 * Only what a person asked for is answered with a message: a page that refreshes itself says by
 * `live.js` that it is away, and tries again.
 */

import { showToast } from "./toast.js";

/** @param {Event} event */
function isAsked(event) {
  const cause = /** @type {CustomEvent} */ (event).detail.requestConfig?.triggeringEvent;
  return cause instanceof Event && !(cause instanceof CustomEvent);
}

document.addEventListener("htmx:sendError", (event) => {
  if (!isAsked(event)) return;
  showToast("The server cannot be reached. Check your connection and try again.", "danger");
});

document.addEventListener("htmx:responseError", (event) => {
  if (!isAsked(event)) return;
  const { xhr } = /** @type {CustomEvent} */ (event).detail;
  if (xhr.status === 401 || xhr.status === 403) {
    showToast(problemText(xhr) || "You are not allowed to do this.", "danger");
  } else {
    showToast(problemText(xhr) || "That did not work. Reload the page and try again.", "danger");
  }
});

/**
 * Return the sentence of our own problem fragment, if the answer is one.
 * @param {XMLHttpRequest} xhr
 */
function problemText(xhr) {
  const page = new DOMParser().parseFromString(xhr.responseText, "text/html");
  return page.querySelector("[data-problem-message]")?.textContent?.trim() ?? "";
}
