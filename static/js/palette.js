// @ts-check
/** `<dialog data-palette>`: Cmd/Ctrl-K, type to filter the links, arrows and Enter to go. */

import { define } from "./mount.js";

define("[data-palette]", (element, signal) => {
  const dialog = /** @type {HTMLDialogElement} */ (element);
  const search = /** @type {HTMLInputElement} */ (dialog.querySelector("[data-palette-search]"));
  const none = /** @type {HTMLElement} */ (dialog.querySelector("[data-palette-none]"));
  const items = /** @type {HTMLElement[]} */ ([...dialog.querySelectorAll("[data-palette-item]")]);
  let active = 0;

  const shown = () => items.filter((item) => !item.hidden);

  const mark = () => {
    const visible = shown();
    active = Math.max(0, Math.min(active, visible.length - 1));
    for (const item of items) {
      const on = item === visible[active];
      item.toggleAttribute("data-state", false);
      if (on) item.dataset.state = "active";
      item.setAttribute("aria-selected", String(on));
      if (on) {
        search.setAttribute("aria-activedescendant", item.id);
        item.scrollIntoView({ block: "nearest" });
      }
    }
    if (!visible.length) search.removeAttribute("aria-activedescendant");
    none.hidden = visible.length > 0;
  };

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const item of items) {
      const text = `${item.textContent} ${item.dataset.words ?? ""}`.toLowerCase();
      item.hidden = !words.every((word) => text.includes(word));
    }
    active = 0;
    mark();
  };

  search.addEventListener("input", filter, { signal });
  search.addEventListener(
    "keydown",
    (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        active += event.key === "ArrowDown" ? 1 : -1;
        mark();
      } else if (event.key === "Enter") {
        event.preventDefault();
        shown()[active]?.click();
      }
    },
    { signal },
  );
  document.addEventListener(
    "keydown",
    (event) => {
      if ((event.metaKey || event.ctrlKey) && !event.shiftKey && event.key.toLowerCase() === "k") {
        event.preventDefault();
        if (dialog.open) dialog.close();
        else open();
      }
    },
    { signal },
  );
  dialog.addEventListener("packshot:open", () => open(), { signal });

  function open() {
    search.value = "";
    filter();
    dialog.showModal();
    search.focus();
  }
});

define("[data-palette-open]", (button, signal) => {
  button.addEventListener(
    "click",
    () => document.querySelector("[data-palette]")?.dispatchEvent(new Event("packshot:open")),
    { signal },
  );
});
