// @ts-check
/**
 * The unfinished picture on a card. Progress names its number, the page fetches it; while one is on
 * its way the next is left out, and where none comes the card shows the source photo.
 */

/** @type {WeakMap<HTMLImageElement, number>} */
const asked = new WeakMap();
/** @type {WeakSet<HTMLImageElement>} */
const coming = new WeakSet();

/**
 * Show the preview of this number; 0 is none.
 * @param {HTMLElement} card
 * @param {number} number
 */
export async function showPreview(card, number) {
  const picture = card.querySelector("[data-live-preview]");
  if (!(picture instanceof HTMLImageElement) || !number || document.hidden) return;
  if (asked.get(picture) === number || coming.has(picture)) return;
  asked.set(picture, number);
  coming.add(picture);
  // The one before stays on the screen until this one is there.
  picture.src = `${picture.dataset.livePreview}?number=${number}`;
  picture.hidden = !(await picture.decode().then(() => true, () => false));
  coming.delete(picture);
}
