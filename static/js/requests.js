// @ts-check
/** What htmx does when the server cannot be reached or answers with an error without a fragment. */

import { showToast } from "./toast.js";

document.addEventListener("htmx:sendError", () => {
  showToast("The server cannot be reached. Check your connection and try again.", "danger");
});

document.addEventListener("htmx:responseError", (event) => {
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
