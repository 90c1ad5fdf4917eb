// @ts-check
/** Asking the server for masks and for keeping them. */

/** @typedef {{status: number, body: any}} Answer */

const PATIENCE_MS = 15_000;
const WORKING_AGAIN_MS = 250;
const MOST_TRIES = 30;
const AWAY = "The server cannot be reached. Your strokes are still here: check your connection.";
const SIGNED_OUT = "You are signed out. Sign in again in another tab; your strokes are still here.";

/** What the server refused, with its stable code. */
export class Refusal extends Error {
  /** @param {string} text @param {string} code */
  constructor(text, code) {
    super(text);
    this.code = code;
  }
}

/**
 * Send a request; resolves with what was answered below 300.
 * @param {HTMLFormElement} form with the CSRF token
 * @param {string} url
 * @param {object} [body] sent by POST
 * @returns {Promise<Answer>}
 * @throws {Error} with a sentence for people
 */
export async function askServer(form, url, body) {
  const token = /** @type {HTMLInputElement} */ (form.elements.namedItem("csrfmiddlewaretoken")).value;
  /** @type {Response} */
  let answer;
  try {
    answer = await fetch(url, {
      method: body ? "POST" : "GET",
      headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": token },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    throw new Error(AWAY);
  }
  if (answer.redirected) throw new Error(SIGNED_OUT);
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refusal(said.detail ?? "That did not work. Try again.", said.code ?? "");
  return { status: answer.status, body: said };
}

/**
 * Ask until the answer is there: 202 says that it is still being made.
 * @param {() => Promise<Answer>} ask
 * @param {(answer: Answer) => (() => Promise<Answer>)} [next] how to go on; the same if left out
 */
export async function askUntilDone(ask, next) {
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const answer = await ask();
    if (answer.status !== 202) return answer.body;
    if (next) ask = next(answer);
    await new Promise((resolve) => window.setTimeout(resolve, WORKING_AGAIN_MS));
  }
  throw new Error("This takes far longer than it should. Try again later.");
}

/**
 * Return a mask as a picture that is opaque where the product is.
 * @param {string} base64 of a PNG
 */
export async function maskOf(base64) {
  const bytes = Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
  return createImageBitmap(new Blob([bytes], { type: "image/png" }));
}
