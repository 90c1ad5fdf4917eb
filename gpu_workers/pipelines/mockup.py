"""A design on a thing: mug, carton, bottle, garment, print, phone, or a photo of one's own.

Owns what is read for a mockup and how base, print, set and canvas come together. The photo of the
order is the design and is not cut out. Rendered bases bring their own set, which takes the scene's
color (``sweep``, ``solid``), or stand on the scene's material like any product (``surface``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import cv2
import numpy as np

from gpu_workers.errors import OrderInvalid, SourceUnusable
from gpu_workers.imaging.arrays import Cutout, Image, Matte, Photo, to_linear, to_photo
from gpu_workers.imaging.color import from_hex
from gpu_workers.imaging.extension import extend_light
from gpu_workers.imaging.framing import Box, plan_placement, product_box, resample
from gpu_workers.imaging.print_surface import Bent, Plane, Shape, Surface, homography
from gpu_workers.imaging.printing import (
    Artwork,
    Layout,
    Print,
    add_gloss,
    artwork_from,
    centimetres_per_pixel,
    cloth_shift,
    color_error,
    cropped_share,
    lay_ink,
    light_of_photo,
    warp_print,
)
from gpu_workers.kind_options.mockup import MockupOptions
from gpu_workers.pipelines.cutout import Subject
from gpu_workers.pipelines.finishing import Composition
from gpu_workers.pipelines.inputs import Inputs
from gpu_workers.pipelines.mockup_base import StoredBase, stored_base
from gpu_workers.pipelines.packshot import compose_solid, compose_transparent
from gpu_workers.pipelines.scene import compose_scene
from gpu_workers.protocol import RenderOrder

ENGINE: Final = "classical-mockup/1"

_ENLARGED: Final = 1.5
_CROPPED: Final = 0.005
_DENSITY_CM: Final = 2.54
_GLOSS: Final = {"own": 0.65, "matte": 0.3, "gloss": 1.2, "fabric": 0.0}
"""Shine of printed parts, as a share of what the bare base mirrors: ink is a little duller than
glaze or coated board, and a full veil would turn dark designs gray."""
_FABRIC_RELIEF: Final = 0.8
_PHOTO_RELIEF: Final = 0.35
"""Less on photos: compression leaves blotches that are no threads."""
_OWN_INK: Final = 0.97
"""On a photographed base: what is left of ink's color, as the base's own light mixes in."""
_SHINE_OF_INK: Final = 0.01
_THREAD: Final = 0.0016
"""Fine structure of cloth as a share of the canvas: threads of a tote that fills it."""
_SHEEN: Final = np.float32(0.016)
"""Light that fibers scatter whatever the dye, most where folds face it: without it, dark cloth
has no folds to be seen."""
_MIN_DESIGN_PX: Final = 8
_SOLID: Final = 0.99
_EDGE_SPREAD: Final = 12
"""Levels within which colors along a design's border count as one."""
_EDGE_SHARE: Final = 0.25
"""Share of the border that the most frequent color must have to become that of the base."""
_GRAIN: Final = 0.0035
"""Unevenness of printed and painted surfaces: without it they look drawn, and slow gradients of
the stored light show their 8 bits."""


@dataclass(frozen=True, slots=True)
class OwnBase:
    """A photographed base of the seller's."""

    photo: Photo
    occluder: Matte | None
    """(h, w) what stands before the print, 0 to 1."""


@dataclass(frozen=True, slots=True)
class MockupSubject(Subject):
    """A design, and the base photo that came with it."""

    artwork: Artwork | None = None
    base: OwnBase | None = None
    border: str | None = None
    """Color along the border of the design, if it is one."""


def read_design(inputs: Inputs) -> MockupSubject:
    """Read the design, and the base and occluder where the order brings them.

    Raises
    ------
    OrderInvalid
        If base photo and corners do not come together.
    SourceUnusable
        If a picture cannot be read, or the design is empty.
    """
    options: MockupOptions = inputs.order.scene.options
    source = inputs.source()
    base = _own_base(inputs, options)
    artwork = artwork_from(source.photo, source.alpha, white_is_clear=options.white_is_clear)
    visible = product_box(artwork.opacity)
    if visible is not None and options.trim:
        rows = slice(visible.top, visible.bottom)
        columns = slice(visible.left, visible.right)
        artwork = Artwork(artwork.color[rows, columns], artwork.opacity[rows, columns])
    if visible is None or min(artwork.size) < _MIN_DESIGN_PX:
        raise SourceUnusable(
            f"the design is empty or smaller than {_MIN_DESIGN_PX} px; upload another"
        )
    frame = Box(0, 0, *artwork.size)
    return MockupSubject(
        cutout=Cutout(artwork.color, artwork.opacity, confidence=1.0),
        photo=to_photo(artwork.color),
        product=frame,
        cut_sides=frozenset(),
        artwork=artwork,
        base=base,
        border=_border_color(source.photo, source.alpha),
    )


def compose_mockup(
    subject: Subject, order: RenderOrder, canvas: tuple[int, int], fill: float
) -> Composition:
    """Print the design on its base and show it."""
    if not isinstance(subject, MockupSubject) or subject.artwork is None:
        raise TypeError("a mockup needs a design read by read_design")
    if subject.base is not None:
        return _on_photo(subject.base, subject.artwork, order, canvas)
    options: MockupOptions = order.scene.options
    base = stored_base(options.base)
    color = options.base_color or base.color
    if options.base_color_from_design and subject.border is not None:
        color = subject.border
    return _on_stored(base, subject.artwork, order, canvas, fill, color=color)


def _own_base(inputs: Inputs, options: MockupOptions) -> OwnBase | None:
    found = inputs.picture("base")
    if found is None:
        if options.corners or inputs.order.extras.get("occluder"):
            raise OrderInvalid("corners and an occluder belong to a photo of the role 'base'")
        return None
    if len(options.corners) != 8:
        raise OrderInvalid(
            "scene.options.corners: 8 numbers from 0 to 1 expected, x and y of the print area's "
            "upper left, upper right, lower right and lower left corner in the base photo"
        )
    homography(options.corners)
    occluder = inputs.picture("occluder")
    before = None
    if occluder is not None:
        before = occluder.alpha
        if before is None:
            before = occluder.photo.mean(axis=2).astype(np.float32) / np.float32(255)
        size = (found.photo.shape[1], found.photo.shape[0])
        before = np.asarray(np.clip(resample(before, size), 0, 1), np.float32)
    return OwnBase(found.photo, before)


def _border_color(photo: Photo, alpha: Matte | None) -> str | None:
    """Return the color of most of an opaque design's border, None where there is no such one."""
    if alpha is not None:
        return None
    width = max(1, round(0.01 * min(photo.shape[:2])))
    sides = (photo[:width], photo[-width:], photo[:, :width], photo[:, -width:])
    rim = np.concatenate([side.reshape(-1, 3) for side in sides])
    coarse = (rim // _EDGE_SPREAD).astype(np.int64) @ np.array([10_000, 100, 1])
    names, counts = np.unique(coarse, return_counts=True)
    if counts.max() < _EDGE_SHARE * rim.shape[0]:
        return None
    middle = np.median(rim[coarse == names[np.argmax(counts)]], axis=0)
    return "#" + "".join(f"{round(float(each)):02x}" for each in middle)


def _layout(options: MockupOptions) -> Layout:
    return Layout(
        options.fit, options.scale, options.offset_x, options.offset_y, options.rotation_deg
    )


def _on_stored(
    base: StoredBase,
    artwork: Artwork,
    order: RenderOrder,
    canvas: tuple[int, int],
    fill: float,
    *,
    color: str,
) -> Composition:
    options: MockupOptions = order.scene.options
    scene = order.scene
    side = base.alpha.shape[0]
    on_material = scene.mode == "surface"
    if on_material and base.stands == "wall":
        raise OrderInvalid(
            f"a {base.name} hangs on a wall and cannot stand on {scene.material}; "
            "use the mode sweep or solid with a color"
        )
    placement = plan_placement(
        base.product,
        (side, side),
        canvas,
        fill=fill,
        anchor=scene.framing.anchor,
        ground_line=scene.framing.ground_line,
    )
    scale = placement.product.width / base.product.width
    left = placement.product.left - base.product.left * scale
    top = placement.product.top - base.product.top * scale
    frame = Box(round(left), round(top), max(1, round(side * scale)), max(1, round(side * scale)))
    light, gloss, alpha = _layers(base, frame, canvas)
    window = (
        -frame.left / frame.width,
        -frame.top / frame.height,
        (canvas[0] - frame.left) / frame.width,
        (canvas[1] - frame.top) / frame.height,
    )
    printed = warp_print(
        artwork,
        base.surface,
        base.shape,
        _layout(options),
        window=window,
        canvas=canvas,
        shift=None if base.shift is None else _placed_shift(base.shift, frame, canvas),
    )
    at = printed.span()
    visible = _behind(printed.part(at), alpha[at])
    del printed
    share = alpha
    if base.colored == "print":
        share = np.zeros_like(alpha)
        share[at] = visible.area * alpha[at]
    set_color = from_hex(scene.color if scene.mode in ("sweep", "solid") else "#ffffff")
    image = _colored(light, alpha, share, own=from_hex(color), set_color=set_color)
    if base.shift is not None:
        _add_sheen(image, light, alpha, from_hex(color))
    relief = _FABRIC_RELIEF if options.finish == "fabric" else base.relief * 0.25
    image[at], ink = lay_ink(
        image[at],
        light[at],
        visible,
        strength=options.ink,
        relief=relief,
        thread_px=_THREAD * canvas[0],
    )
    error = color_error(image[at], light[at], visible)
    gloss[at] *= (1 + ink * (_GLOSS[options.finish] - 1))[..., np.newaxis]
    del light
    image = add_gloss(image, gloss)
    del gloss
    _add_grain(image, alpha, order.seed)
    checks = _checks(visible, artwork, base.shape, options, error)
    each = centimetres_per_pixel(artwork.size, base.shape, _layout(options))
    checks["print_dpi"] = round(_DENSITY_CM / each, 1)
    told: dict[str, Any] = {"checks": checks, "warnings": _warnings(checks), "engine": ENGINE}
    if scene.mode == "sweep" or (scene.mode == "solid" and not scene.is_exact_white):
        return Composition(image, alpha, None, grain=scene.grain, **told)
    return _freed(image, alpha, order, canvas, fill, told=told, flat=base.stands == "flat")


def _freed(
    image: Image,
    alpha: Matte,
    order: RenderOrder,
    canvas: tuple[int, int],
    fill: float,
    *,
    told: dict[str, Any],
    flat: bool,
) -> Composition:
    """Show the printed base as a product freed from its set."""
    box = product_box(alpha)
    if box is None:
        raise OrderInvalid("the base lies beyond the canvas; choose another framing")
    color = _without_set(image, alpha)
    subject = Subject(Cutout(color, alpha, 1.0), to_photo(color), box, frozenset())
    scene = order.scene
    if scene.mode == "none":
        made = compose_transparent(subject, order, canvas, fill)
    elif scene.mode == "solid":
        made = compose_solid(subject, order, canvas, fill)
    else:
        pitch = ("top",) if flat else scene.accepts_pitch
        seen = replace(order, scene=replace(scene, accepts_pitch=pitch))
        made = compose_scene(subject, seen, canvas, fill)
    return replace(made, placement=None, **told)


def _without_set(image: Image, alpha: Matte) -> Image:
    """Return the picture with the outline of the object in the object's own color.

    On its own set the outline is mixed with white paper, which would shine on dark backdrops.
    """
    result = image.copy()
    solid = (alpha > _SOLID).astype(np.float32)
    left = (alpha > 0) & (alpha <= _SOLID)
    for sigma in (0.8, 2.5):
        near = cv2.GaussianBlur(solid, (0, 0), sigma)
        found = left & (near > 0.02)
        spread = cv2.GaussianBlur(image * solid[..., np.newaxis], (0, 0), sigma)
        result[found] = spread[found] / near[found][:, np.newaxis]
        left &= ~found
    return result


def _layers(base: StoredBase, frame: Box, canvas: tuple[int, int]) -> tuple[Image, Image, Matte]:
    """Return light, gloss and opacity of a base on a canvas; its set goes on to the frame."""
    side = base.alpha.shape[0]
    scale = frame.width / side
    # Only what the canvas shows, and a few pixels for the kernel, is resampled.
    first_x, first_y = max(0, int(-frame.left / scale) - 4), max(0, int(-frame.top / scale) - 4)
    last_x = min(side, int((canvas[0] - frame.left) / scale) + 5)
    last_y = min(side, int((canvas[1] - frame.top) / scale) + 5)
    part = (slice(first_y, last_y), slice(first_x, last_x))
    box = Box(
        frame.left + round(first_x * scale),
        frame.top + round(first_y * scale),
        max(1, round((last_x - first_x) * scale)),
        max(1, round((last_y - first_y) * scale)),
    )
    size = (box.width, box.height)
    alpha = np.clip(resample(base.alpha[part].astype(np.float32) / np.float32(255), size), 0, 1)
    clear = cv2.dilate(alpha, np.ones((5, 5), np.uint8)) < 0.01
    light = extend_light(resample(to_linear(base.light[part]), size), clear, box, canvas)
    gloss = extend_light(resample(to_linear(base.gloss[part]), size), clear, box, canvas)
    opacity = np.zeros((canvas[1], canvas[0]), np.float32)
    left, top = max(0, box.left), max(0, box.top)
    right, bottom = min(canvas[0], box.right), min(canvas[1], box.bottom)
    opacity[top:bottom, left:right] = alpha[
        top - box.top : bottom - box.top, left - box.left : right - box.left
    ]
    return np.clip(light, 0, 1), np.clip(gloss, 0, 1), opacity


def _placed_shift(shift: Image, frame: Box, canvas: tuple[int, int]) -> Image:
    """Return the shift of cloth at every pixel of a canvas."""
    cells = shift.shape[0]
    x = (np.arange(canvas[0]) + 0.5 - frame.left) / frame.width * cells - 0.5
    y = (np.arange(canvas[1]) + 0.5 - frame.top) / frame.height * cells - 0.5
    at_x, at_y = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    moved = cv2.remap(shift, at_x, at_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)


def _behind(printed: Print, visible: Matte) -> Print:
    """Return the print where its base is seen: where both end together, edges are not halved."""
    share = np.minimum(1, visible / np.maximum(printed.area, np.float32(1e-3)))
    return replace(
        printed,
        color=printed.color * share[..., np.newaxis],
        opacity=printed.opacity * share,
        area=printed.area * share,
    )


def _colored(light: Image, alpha: Matte, share: Matte, *, own: Image, set_color: Image) -> Image:
    """Return the blank base on its set, both in their colors."""
    # Channel by channel: canvases of 4,000 px are large.
    image = light.copy()
    for channel in range(3):
        image[..., channel] *= 1 + share * (own[channel] - 1)
        image[..., channel] *= 1 + (1 - alpha) * (set_color[channel] - 1)
    return image


def _add_sheen(image: Image, light: Image, alpha: Matte, own: Image) -> None:
    """Let fibers scatter light whatever their dye. Writes to `image`."""
    for channel in range(3):
        fuzz = light[..., channel] ** 3
        fuzz *= alpha * (_SHEEN * (1 - own[channel]))
        image[..., channel] += fuzz


def _add_grain(image: Image, alpha: Matte, seed: int) -> None:
    """Make surfaces a little uneven. Writes to `image`."""
    noise = np.random.default_rng((seed, 41)).standard_normal(alpha.shape, dtype=np.float32)
    noise *= alpha * np.float32(_GRAIN)
    noise += 1
    image *= noise[..., np.newaxis]


def _on_photo(
    base: OwnBase, artwork: Artwork, order: RenderOrder, canvas: tuple[int, int]
) -> Composition:
    options: MockupOptions = order.scene.options
    corners = np.array(options.corners, np.float64).reshape(4, 2)
    height, width = base.photo.shape[:2]
    crop = _crop_around(corners, (width, height), canvas)
    part = base.photo[crop.top : crop.bottom, crop.left : crop.right]
    photo = np.clip(resample(to_linear(part), canvas), 0, 1)
    window = (crop.left / width, crop.top / height, crop.right / width, crop.bottom / height)
    surface, shape = _own_surface(options, (width, height))
    shift = None
    if options.surface == "cloth":
        span = np.array([shape.width / width, shape.height / height]) * np.array(canvas)
        zoom = np.array([crop.width / width, crop.height / height])
        shift = cloth_shift(photo, 1.0) * (zoom / span).astype(np.float32)
    printed = warp_print(
        artwork, surface, shape, _layout(options), window=window, canvas=canvas, shift=shift
    )
    if base.occluder is not None:
        before = base.occluder[crop.top : crop.bottom, crop.left : crop.right]
        printed = _behind(printed, np.clip(1 - resample(before, canvas), 0, 1))
    light = light_of_photo(photo, printed.area)
    relief = _PHOTO_RELIEF if options.finish == "fabric" else 0.0
    strength = options.ink * _OWN_INK if options.surface == "cloth" else options.ink
    image, _ = lay_ink(
        photo, light, printed, strength=strength, relief=relief, thread_px=_THREAD * canvas[0]
    )
    image += _SHINE_OF_INK * (printed.opacity[..., np.newaxis] * light)
    checks = _checks(printed, artwork, shape, options, color_error(image, light, printed))
    checks["upscale_base"] = round(canvas[0] / crop.width, 3)
    warnings = _warnings(checks)
    if checks["upscale_base"] > _ENLARGED:
        warnings = (*warnings, "base_low_resolution")
    matte = np.ones(image.shape[:2], np.float32)
    return Composition(
        image, matte, None, grain=0.0, engine=ENGINE, checks=checks, warnings=warnings
    )


def _own_surface(options: MockupOptions, frame: tuple[int, int]) -> tuple[Surface, Shape]:
    """Return the area of a photographed base; its unit of length is the photo's pixel."""
    corners = np.array(options.corners, np.float64).reshape(4, 2) * frame
    across = np.linalg.norm(corners[1] - corners[0]) + np.linalg.norm(corners[2] - corners[3])
    down = np.linalg.norm(corners[3] - corners[0]) + np.linalg.norm(corners[2] - corners[1])
    width, height = float(across) / 2, float(down) / 2
    if options.surface != "cylinder":
        return Plane(options.corners), Shape(width, height)
    half = float(np.radians(options.wrap_deg))
    # The arc is longer than the chord that the corners span.
    arc = width * half / float(np.sin(half))
    return Bent(options.corners, options.wrap_deg, options.bow), Shape(arc, height)


def _crop_around(corners: Any, frame: tuple[int, int], canvas: tuple[int, int]) -> Box:
    """Return the largest crop of the canvas's proportions, centered on the print area."""
    width, height = frame
    ratio = canvas[0] / canvas[1]
    crop_w, crop_h = (width, width / ratio) if width / height < ratio else (height * ratio, height)
    middle = corners.mean(axis=0) * frame
    left = float(np.clip(middle[0] - crop_w / 2, 0, width - crop_w))
    top = float(np.clip(middle[1] - crop_h / 2, 0, height - crop_h))
    return Box(round(left), round(top), max(1, round(crop_w)), max(1, round(crop_h)))


def _checks(
    printed: Print, artwork: Artwork, shape: Shape, options: MockupOptions, error: float
) -> dict[str, Any]:
    area = float(printed.area.sum())
    return {
        "print_color_delta_e": round(error, 2),
        "design_upscale": round(printed.enlarged, 3),
        "design_cropped_share": round(cropped_share(artwork, shape, _layout(options)), 4),
        "print_coverage": round(float(printed.opacity.sum()) / area, 4) if area else 0.0,
    }


def _warnings(checks: dict[str, Any]) -> tuple[str, ...]:
    found = []
    if checks["design_upscale"] > _ENLARGED:
        found.append("design_low_resolution")
    if checks["design_cropped_share"] > _CROPPED:
        found.append("design_cropped")
    if checks["print_coverage"] == 0:
        found.append("design_not_visible")
    return tuple(found)
