// @ts-check
/** The brand kit's page: a picker beside each color field, and the fonts of the sample. */

import { define } from "./mount.js";

const HEX = /^#[0-9a-f]{6}$/i;

define("[data-color-for]", (pick, signal) => {
  const field = document.getElementById(pick.dataset.colorFor ?? "");
  if (!(pick instanceof HTMLInputElement) || !(field instanceof HTMLInputElement)) return;
  pick.addEventListener("input", () => (field.value = pick.value), { signal });
  field.addEventListener(
    "input",
    () => {
      if (HEX.test(field.value.trim())) pick.value = field.value.trim().toLowerCase();
    },
    { signal },
  );
});

define("[data-brand-font]", (declared) => {
  const { brandFont, url } = declared.dataset;
  // A face is fetched when the sample first uses it, and not before.
  if (brandFont && url) {
    document.fonts.add(new FontFace(brandFont, `url("${url}")`, { weight: "100 900" }));
  }
});
