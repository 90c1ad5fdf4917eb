// @ts-check
/** Says under the UTC fields of a form what they are on the reader's own clock. */

import { define } from "./mount.js";

const WORDS = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** @param {string} value */
function local(value) {
  const at = new Date(`${value}Z`);
  return value && !Number.isNaN(at.getTime()) ? WORDS.format(at) : "";
}

define("[data-local-time]", (note, signal) => {
  const form = note.closest("form");
  if (!form || new Date().getTimezoneOffset() === 0) return;
  const fields = [...form.querySelectorAll("[data-utc-field]")];
  const show = () => {
    const words = fields.map((field) => (field instanceof HTMLInputElement ? local(field.value) : ""));
    note.hidden = words.some((word) => !word);
    note.textContent = `On your clock: ${words.join(" – ")}`;
  };
  form.addEventListener("input", show, { signal });
  show();
});
