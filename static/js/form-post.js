// @ts-check
/** Sending a form without leaving the page. */

/**
 * Send a form as it stands; resolves when it was saved.
 * @param {HTMLFormElement} form
 * @param {HTMLElement | null} [submitter] the button whose value goes with it
 * @throws {Error} with the server's sentence for people
 */
export async function post(form, submitter) {
  const headers = { Accept: "application/json" };
  const answer = await fetch(form.action, { method: "POST", body: new FormData(form, submitter), headers });
  // Nothing that saves leads elsewhere: this was the way to the sign-in.
  if (answer.redirected) throw new Error("You are signed out. Nothing was saved.");
  if (answer.ok) return;
  const problem = await answer.json().catch(() => ({}));
  throw new Error(problem.detail ?? "That was not saved. Try again.");
}
