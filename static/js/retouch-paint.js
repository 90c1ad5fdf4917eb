// @ts-check
/** Draws the photo with its mask, the stroke under way and the brush, at most once a frame. */

import { checks, colorsOf, cutPhoto, shadeOutside } from "./retouch-layers.js";

/** @typedef {import("./retouch-state.js").Point} Point */
/** @typedef {import("./retouch-state.js").Step} Step */

const CHECK_PX = 12;
const STROKE = 0.55;

/**
 * Draw whenever something changes; returns what to call when the view did.
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLImageElement} photo
 * @param {import("./retouch-state.js").RetouchState} state
 * @param {import("./retouch-view.js").RetouchView} view
 */
export function paintRetouch(canvas, photo, state, view) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const color = colorsOf(canvas);
  const [wide, high] = [photo.naturalWidth, photo.naturalHeight];
  const place = (/** @type {Point} */ [x, y]) => /** @type {Point} */ ([x * wide, y * high]);
  /** @type {HTMLCanvasElement | null} */
  let cut = null;
  /** @type {HTMLCanvasElement | null} */
  let shade = null;
  let asked = false;

  function layer() {
    if (!state.mask) return;
    cut = cutPhoto(photo, state.mask);
    shade = shadeOutside(photo, state.mask, color);
    ask();
  }

  function drawPhoto() {
    if (state.show === "marked" || !cut) {
      context.drawImage(photo, 0, 0);
      if (shade) context.drawImage(shade, 0, 0);
      return;
    }
    context.fillStyle = state.show === "checker" ? checks(context, CHECK_PX / view.scale, color) : state.show;
    context.fillRect(0, 0, wide, high);
    context.drawImage(cut, 0, 0);
  }

  /** @param {Step} step */
  function drawStep(step) {
    const path = new Path2D();
    const points = step.points.map(place);
    points.forEach(([x, y], at) => (at ? path.lineTo(x, y) : path.moveTo(x, y)));
    context.lineCap = context.lineJoin = "round";
    if (step.tool === "outline") {
      if (state.cursor) path.lineTo(...place(state.cursor));
      context.lineWidth = 4 / view.scale;
      context.strokeStyle = "black";
      context.stroke(path);
      context.lineWidth = 2 / view.scale;
      context.strokeStyle = color("edge");
      context.stroke(path);
      for (const [x, y] of points.length < 60 ? points : [points[0]]) ring(x, y, 4 / view.scale);
      return;
    }
    if (points.length === 1) path.lineTo(points[0][0], points[0][1] + 0.01);
    context.globalAlpha = STROKE;
    context.strokeStyle = color(step.tool);
    context.lineWidth = 2 * step.radius * Math.max(wide, high);
    context.stroke(path);
    context.globalAlpha = 1;
  }

  /** A ring that is seen on dark and on light. @param {number} x @param {number} y @param {number} radius */
  function ring(x, y, radius) {
    for (const [width, ink] of /** @type {[number, string][]} */ ([[3, "black"], [1.5, "white"]])) {
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.lineWidth = width / view.scale;
      context.strokeStyle = ink;
      context.stroke();
    }
  }

  function draw() {
    asked = false;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((side) => Math.round(side * ratio));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    context.setTransform(ratio * view.scale, 0, 0, ratio * view.scale, ratio * view.x, ratio * view.y);
    drawPhoto();
    if (state.pending) drawStep(state.pending);
    if (!state.cursor) return;
    const reach = state.tool === "outline" ? 5 / view.scale : state.radius * Math.max(wide, high);
    ring(...place(state.cursor), reach);
  }

  function ask() {
    if (!asked) requestAnimationFrame(draw);
    asked = true;
  }

  state.addEventListener("mask", layer);
  for (const event of ["look", "steps"]) state.addEventListener(event, ask);
  ask();
  return ask;
}
