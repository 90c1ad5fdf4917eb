// @ts-check
/** `<form data-theme-switch>`: light, dark or the system's scheme at once; the cookie keeps it. */

import { define } from "./mount.js";

const YEAR_SECONDS = 365 * 24 * 3600;

define("[data-theme-switch]", (form, signal) => {
  form.addEventListener(
    "submit",
    (event) => {
      event.preventDefault();
      const chosen = /** @type {SubmitEvent} */ (event).submitter?.getAttribute("value") ?? "";
      if (chosen) document.documentElement.dataset.theme = chosen;
      else delete document.documentElement.dataset.theme;
      const secure = location.protocol === "https:" ? "; Secure" : "";
      const age = chosen ? YEAR_SECONDS : 0;
      document.cookie = `theme=${chosen}; Path=/; Max-Age=${age}; SameSite=Lax${secure}`;
      for (const button of document.querySelectorAll("[data-theme-switch] button")) {
        button.setAttribute("aria-pressed", String(button.getAttribute("value") === chosen));
      }
    },
    { signal },
  );
});
