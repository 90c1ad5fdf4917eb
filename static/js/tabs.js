// @ts-check
/** `.tabs` that scroll sideways begin with the current tab in sight. */

import { define } from "./mount.js";

define("[data-tabs]", (tabs) => {
  const current = tabs.querySelector("[aria-current]");
  if (current instanceof HTMLElement) tabs.scrollLeft = current.offsetLeft - tabs.clientWidth / 3;
});
