// @ts-check
/** `<button data-copy="text">` puts the text on the clipboard and says so. */

import { define } from "./mount.js";
import { showToast } from "./toast.js";

define("[data-copy]", (button, signal) => {
  button.addEventListener(
    "click",
    async () => {
      try {
        await navigator.clipboard.writeText(button.dataset.copy ?? "");
        showToast(button.dataset.copied ?? "Copied.", "success");
      } catch {
        showToast("Your browser does not allow copying here. Select the text and copy it.", "danger");
      }
    },
    { signal },
  );
});
