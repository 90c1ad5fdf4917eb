// @ts-check
/** The order page: what is picked, the framing slider, and what the scene's kind asks for. */

import { define } from "./mount.js";

define("[data-photos]", (pane, signal) => {
  pane.addEventListener(
    "change",
    (event) => {
      const box = event.target;
      const all = pane.querySelector("[data-everything]");
      // Who picks a single photo does not want all of them.
      if (box instanceof HTMLInputElement && box.name === "photo" && box.checked) {
        if (all instanceof HTMLInputElement) all.checked = false;
      }
    },
    { signal },
  );
});

define("[data-kind-filter]", (select, signal) => {
  select.addEventListener(
    "change",
    (event) => {
      // Only what is shown changes: not the order, so no new quote is asked for.
      event.stopPropagation();
      if (!(select instanceof HTMLSelectElement)) return;
      for (const group of document.querySelectorAll("[data-kind-group]")) {
        if (!(group instanceof HTMLElement)) continue;
        group.hidden = select.value !== "" && group.dataset.kindGroup !== select.value;
      }
    },
    { signal },
  );
});

define("[data-order-form]", (form, signal) => {
  const asks = [...form.querySelectorAll("[data-kind-fields]")];
  const ask = () => {
    const scene = form.querySelector("input[name=scene]:checked");
    const kind = scene instanceof HTMLInputElement ? scene.dataset.kind : "";
    for (const fields of asks) {
      if (fields instanceof HTMLElement) fields.hidden = fields.dataset.kindFields !== kind;
    }
  };
  form.addEventListener("change", ask, { signal });
  ask();
  const own = form.querySelector("[data-own-fill]");
  const range = form.querySelector("input[data-fill][type=range]");
  const output = form.querySelector("[data-fill-output]");
  if (!(own instanceof HTMLInputElement) || !(range instanceof HTMLInputElement) || !output) return;
  const show = () => (output.textContent = range.value);
  range.addEventListener("input", () => { own.checked = true; show(); }, { signal });
  form.addEventListener(
    "change",
    (event) => {
      const scene = event.target;
      if (own.checked || !(scene instanceof HTMLInputElement) || scene.name !== "scene") return;
      range.value = scene.dataset.fill ?? range.value;
      show();
    },
    { signal },
  );
});
