// @ts-check
/**
 * The one way a behavior gets onto the page: by attribute, now and after every htmx swap.
 *
 * `define("[data-menu]", attach)` says what to do with matching elements; `attach` receives the
 * element and an AbortSignal that ends its listeners when htmx removes the element.
 */

/** @typedef {(element: HTMLElement, signal: AbortSignal) => void} Attach */

/** @type {Map<string, Attach>} */
const behaviors = new Map();
/** @type {WeakMap<Element, Map<string, AbortController>>} */
const attached = new WeakMap();

/**
 * Register a behavior and attach it to what is already there.
 * @param {string} selector
 * @param {Attach} attach
 */
export function define(selector, attach) {
  behaviors.set(selector, attach);
  if (document.readyState !== "loading") mountOne(document.documentElement, selector, attach);
}

/**
 * Attach all behaviors inside a root, the root included. Safe to call twice.
 * @param {Element} root
 */
export function mount(root) {
  for (const [selector, attach] of behaviors) mountOne(root, selector, attach);
}

/**
 * End the behaviors of an element and all inside it.
 * @param {Element} root
 */
export function unmount(root) {
  for (const element of [root, ...root.querySelectorAll("*")]) {
    attached.get(element)?.forEach((controller) => controller.abort());
    attached.delete(element);
  }
}

/**
 * @param {Element} root
 * @param {string} selector
 * @param {Attach} attach
 */
function mountOne(root, selector, attach) {
  const found = [...root.querySelectorAll(selector)];
  if (root.matches(selector)) found.unshift(root);
  for (const element of found) {
    if (!(element instanceof HTMLElement)) continue;
    const controllers = attached.get(element) ?? new Map();
    if (controllers.has(selector)) continue;
    const controller = new AbortController();
    controllers.set(selector, controller);
    attached.set(element, controllers);
    attach(element, controller.signal);
  }
}

document.addEventListener("DOMContentLoaded", () => mount(document.documentElement));
document.addEventListener("htmx:load", (event) => {
  if (event.target instanceof Element) mount(event.target);
});
document.addEventListener("htmx:beforeCleanupElement", (event) => {
  if (event.target instanceof Element) {
    attached.get(event.target)?.forEach((controller) => controller.abort());
    attached.delete(event.target);
  }
});
