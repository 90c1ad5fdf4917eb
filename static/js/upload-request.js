// @ts-check
/** Sends one photo. XMLHttpRequest, because fetch cannot say how much has been sent. */

/**
 * @typedef {object} Outcome
 * @property {"accepted" | "duplicate" | "refused" | "failed"} state
 * @property {string} text a sentence for the person
 * @property {Record<string, string>} [photo] the server's answer, if there is a photo
 * @property {number} [retryAfterSeconds] when the server was busy
 */

const AWAY = "The server cannot be reached. Check your connection, then retry.";
const SIGNED_OUT = "You are signed out. Sign in again in another tab, then retry.";
const BROKEN = "The upload broke off. Retry it.";

/**
 * @param {HTMLFormElement} form where to send it, with the CSRF token
 * @param {File} file
 * @param {(share: number) => void} onProgress 0 to 1 of the bytes sent
 * @returns {Promise<Outcome>}
 */
export function sendPhoto(form, file, onProgress) {
  // The server says the same, but only after minutes of sending.
  if (file.size > Number(form.dataset.maxBytes)) {
    return Promise.resolve({ state: "refused", text: form.dataset.tooLarge ?? "" });
  }
  const body = new FormData();
  body.append("csrfmiddlewaretoken", tokenOf(form));
  if (form.dataset.product) body.append("product", form.dataset.product);
  body.append("file", file, file.name);
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", tokenOf(form));
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    request.addEventListener("load", () => resolve(outcomeOf(request)));
    request.addEventListener("error", () => resolve({ state: "failed", text: AWAY }));
    request.addEventListener("abort", () => resolve({ state: "failed", text: BROKEN }));
    request.send(body);
  });
}

/** @param {HTMLFormElement} form */
function tokenOf(form) {
  const field = form.elements.namedItem("csrfmiddlewaretoken");
  return field instanceof HTMLInputElement ? field.value : "";
}

/**
 * @param {XMLHttpRequest} request
 * @returns {Outcome}
 */
function outcomeOf(request) {
  const answer = jsonOf(request);
  if (answer && (request.status === 200 || request.status === 201)) {
    const place = answer.view === "main" ? answer.sku : `${answer.sku}, ${answer.view}`;
    return answer.state === "duplicate"
      ? { state: "duplicate", text: `Already in ${place}`, photo: answer }
      : { state: "accepted", text: `Added to ${place}`, photo: answer };
  }
  if (answer && request.status === 422) return { state: "refused", text: answer.detail };
  if (answer && request.status === 503) {
    return { state: "failed", text: answer.detail, retryAfterSeconds: answer.retry_after_seconds };
  }
  // A page instead of JSON: the way to the view ended at the sign-in.
  const signedOut = !answer && [200, 401, 403].includes(request.status);
  return { state: "failed", text: answer?.detail ?? (signedOut ? SIGNED_OUT : BROKEN) };
}

/** @param {XMLHttpRequest} request */
function jsonOf(request) {
  if (!/\bjson\b/.test(request.getResponseHeader("Content-Type") ?? "")) return null;
  try {
    return JSON.parse(request.responseText);
  } catch {
    return null;
  }
}
