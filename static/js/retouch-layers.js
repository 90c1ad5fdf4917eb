// @ts-check
/** Pictures made of the photo and its mask, in the photo's size: what stays, what is marked. */

const SHADE = 0.62;
const EDGE_OF_LONGEST = 1 / 640;

/**
 * Return how the style sheet names the colors of marks on a canvas.
 * @param {HTMLCanvasElement} canvas
 */
export function colorsOf(canvas) {
  const style = getComputedStyle(canvas);
  return (/** @type {string} */ name) => style.getPropertyValue(`--retouch-${name}`).trim();
}

/**
 * Return what of the photo the mask keeps, the rest transparent.
 * @param {HTMLImageElement} photo
 * @param {CanvasImageSource} mask
 */
export function cutPhoto(photo, mask) {
  return sheet(photo, (context, width, height) => {
    context.drawImage(photo, 0, 0, width, height);
    context.globalCompositeOperation = "destination-in";
    context.drawImage(mask, 0, 0, width, height);
  });
}

/**
 * Return a shade over all that the mask leaves out, with a line at its edge.
 * @param {HTMLImageElement} photo
 * @param {CanvasImageSource} mask
 * @param {(name: string) => string} color
 */
export function shadeOutside(photo, mask, color) {
  const out = filled(photo, color("out"), (context, width, height) => {
    context.globalCompositeOperation = "destination-out";
    context.drawImage(mask, 0, 0, width, height);
  });
  const edge = sheet(photo, (context, width, height) => {
    const step = Math.max(1, Math.max(width, height) * EDGE_OF_LONGEST);
    for (const [dx, dy] of [[step, 0], [-step, 0], [0, step], [0, -step]]) {
      context.drawImage(mask, dx, dy, width, height);
    }
    context.globalCompositeOperation = "destination-out";
    context.drawImage(mask, 0, 0, width, height);
    context.globalCompositeOperation = "source-in";
    context.fillStyle = color("edge");
    context.fillRect(0, 0, width, height);
  });
  return sheet(photo, (context) => {
    context.globalAlpha = SHADE;
    context.drawImage(out, 0, 0);
    context.globalAlpha = 1;
    context.drawImage(edge, 0, 0);
  });
}

/**
 * Return a pattern of checks.
 * @param {CanvasRenderingContext2D} context
 * @param {number} size of one check, in units of the context
 * @param {(name: string) => string} color
 */
export function checks(context, size, color) {
  const side = Math.max(1, Math.round(size));
  const tile = document.createElement("canvas");
  tile.width = tile.height = 2 * side;
  const brush = /** @type {CanvasRenderingContext2D} */ (tile.getContext("2d"));
  brush.fillStyle = color("light");
  brush.fillRect(0, 0, 2 * side, 2 * side);
  brush.fillStyle = color("dark");
  brush.fillRect(0, 0, side, side);
  brush.fillRect(side, side, side, side);
  return /** @type {CanvasPattern} */ (context.createPattern(tile, "repeat"));
}

/**
 * @param {HTMLImageElement} photo
 * @param {string} color
 * @param {(context: CanvasRenderingContext2D, width: number, height: number) => void} carve
 */
function filled(photo, color, carve) {
  return sheet(photo, (context, width, height) => {
    context.fillStyle = color;
    context.fillRect(0, 0, width, height);
    carve(context, width, height);
  });
}

/**
 * @param {HTMLImageElement} photo
 * @param {(context: CanvasRenderingContext2D, width: number, height: number) => void} fill
 */
function sheet(photo, fill) {
  const made = document.createElement("canvas");
  made.width = photo.naturalWidth;
  made.height = photo.naturalHeight;
  fill(/** @type {CanvasRenderingContext2D} */ (made.getContext("2d")), made.width, made.height);
  return made;
}
