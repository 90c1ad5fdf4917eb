// @ts-check
/** Which files a person meant: dropped, pasted or picked, whole folders opened. */

const NOISE = /^(\.|Thumbs\.db$|desktop\.ini$)/i;

/**
 * Return the files of a drop or paste. Entries must be read before the event ends, so nothing
 * is awaited until all are collected.
 * @param {DataTransfer | null} transfer
 * @returns {Promise<File[]>}
 */
export async function filesFrom(transfer) {
  if (!transfer) return [];
  /** @type {Promise<File[]>[]} */
  const found = [];
  for (const item of transfer.items) {
    if (item.kind !== "file") continue;
    const entry = item.webkitGetAsEntry?.();
    const file = item.getAsFile();
    if (entry?.isDirectory) found.push(filesIn(/** @type {FileSystemDirectoryEntry} */ (entry)));
    else if (file) found.push(Promise.resolve([file]));
  }
  return (await Promise.all(found)).flat();
}

/**
 * Return the files of a picked folder without those that only the system sees.
 * @param {FileList | null} list
 */
export function filesPicked(list) {
  return [...(list ?? [])].filter((file) => !NOISE.test(file.name));
}

/**
 * @param {FileSystemDirectoryEntry} folder
 * @returns {Promise<File[]>}
 */
async function filesIn(folder) {
  const reader = folder.createReader();
  /** @type {File[]} */
  const files = [];
  // A reader gives a folder in portions and ends with an empty one.
  for (;;) {
    const entries = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (!entries.length) return files;
    for (const entry of entries) {
      if (NOISE.test(entry.name)) continue;
      if (entry.isDirectory) files.push(...(await filesIn(entry)));
      else {
        const file = await new Promise((resolve) => entry.file(resolve, () => resolve(null)));
        if (file) files.push(file);
      }
    }
  }
}
