"""A photo on a larger canvas: its backdrop goes on, what was photographed stays.

Owns where the photo lies and what is said about it; how backdrops go on is `imaging.extension`.
In the size ``keep`` every photographed pixel of a PNG is that of the source, byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np

from gpu_workers.errors import SourceUnusable
from gpu_workers.imaging.arrays import Cutout, from_encoded, to_encoded, to_linear
from gpu_workers.imaging.extension import Bools, extend
from gpu_workers.imaging.framing import Box, Placement, paste, plan_placement, resample
from gpu_workers.imaging.quality import sides_touched
from gpu_workers.kind_options.expand import ExpandOptions
from gpu_workers.pipelines.cutout import Subject
from gpu_workers.pipelines.finishing import Composition
from gpu_workers.pipelines.inputs import Inputs
from gpu_workers.protocol import RenderOrder

ENGINE: Final = "classical-expand/1"

_CLEAR: Final = 0.02
_AWAY: Final = 0.012
"""Air around the product that is not backdrop either, as a share of the photo: its soft edge and
the darkest of its shadow."""
_NEAR_EDGE: Final = 0.01
_MOST_NEW: Final = 0.75
"""Share of the canvas beyond which nobody takes the picture for a photo."""


@dataclass(frozen=True, slots=True)
class ExpandSubject(Subject):
    """A whole photo, where it shows backdrop, and where its product stands."""

    backdrop: Bools | None = None
    """(h, w); None where the file brought its own opacity."""
    stands: Box | None = None
    """The product's visible box in the photo, None where none was found."""


def read_photo(inputs: Inputs) -> ExpandSubject:
    """Read the photo and tell its product from its backdrop.

    The whole photo is the subject: the certificate tells whether any of it changed.

    Raises
    ------
    SourceUnusable
        If it cannot be read.
    """
    source = inputs.source()
    height, width = source.photo.shape[:2]
    frame = Box(0, 0, width, height)
    matte = np.ones((height, width), np.float32) if source.alpha is None else source.alpha
    whole = Cutout(to_linear(source.photo), matte, confidence=1.0)
    if source.alpha is not None:
        return ExpandSubject(whole, source.photo, frame, frozenset(), ENGINE)
    try:
        found = inputs.freed()
    except SourceUnusable:
        # Nothing stands out: all of it is backdrop.
        everywhere = np.ones((height, width), np.bool_)
        return ExpandSubject(whole, source.photo, frame, frozenset(), backdrop=everywhere)
    reach = max(1, round(_AWAY * max(width, height)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    near = cv2.dilate((found.cutout.matte > _CLEAR).astype(np.uint8), kernel)
    return ExpandSubject(
        whole,
        source.photo,
        frame,
        frozenset(),
        engine=found.engine,
        backdrop=near == 0,
        stands=found.box,
    )


def compose_expanded(
    subject: Subject, order: RenderOrder, canvas: tuple[int, int], fill: float
) -> Composition:
    """Lay the photo on the canvas and let its backdrop go on to the frame."""
    if not isinstance(subject, ExpandSubject):
        raise TypeError("an expanded picture needs a photo read by read_photo")
    options: ExpandOptions = order.scene.options
    box = _place(subject, options, canvas, fill)
    frame = Box(0, 0, *subject.frame)
    placement = Placement(frame, box, box, canvas)
    size = (box.width, box.height)
    matte = np.zeros((canvas[1], canvas[0]), np.float32)
    paste(matte, np.clip(resample(subject.cutout.matte, size), 0, 1), box)
    if subject.backdrop is None:
        color = np.zeros((canvas[1], canvas[0], 3), np.float32)
        weighted = subject.cutout.color * subject.cutout.matte[..., np.newaxis]
        paste(color, np.clip(resample(weighted, size), 0, 1), box)
        return Composition(color, matte, placement, grain=0.0, transparent=True, engine=ENGINE)
    photo = np.clip(resample(subject.cutout.color, size), 0, 1)
    clear = cv2.resize(
        subject.backdrop.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST
    ).astype(np.bool_)
    made = extend(to_encoded(photo) * np.float32(255), clear, box, canvas, seed=order.seed)
    image = from_encoded(made.picture / np.float32(255))
    paste(image, photo, box)
    checks, warnings = _said(subject, box, canvas, is_textured=made.is_textured)
    return Composition(
        image, matte, placement, grain=0.0, engine=ENGINE, checks=checks, warnings=warnings
    )


def _place(
    subject: ExpandSubject, options: ExpandOptions, canvas: tuple[int, int], fill: float
) -> Box:
    width, height = subject.frame
    if options.size == "product" and subject.stands is not None:
        target = plan_placement(subject.stands, subject.frame, canvas, fill=fill).product
        scale = target.width / subject.stands.width
        return Box(
            round(target.left - subject.stands.left * scale),
            round(target.top - subject.stands.top * scale),
            max(1, round(width * scale)),
            max(1, round(height * scale)),
        )
    scale = min(canvas[0] / width, canvas[1] / height)
    if options.size == "keep":
        scale = min(1.0, scale)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    spare = (canvas[0] - size[0], canvas[1] - size[1])
    left, top = spare[0] // 2, spare[1] // 2
    if "left" in options.anchor:
        left = 0
    elif "right" in options.anchor:
        left = spare[0]
    if "top" in options.anchor:
        top = 0
    elif "bottom" in options.anchor:
        top = spare[1]
    return Box(left, top, *size)


def _said(
    subject: ExpandSubject, box: Box, canvas: tuple[int, int], *, is_textured: bool
) -> tuple[dict[str, Any], tuple[str, ...]]:
    width = min(canvas[0], box.right) - max(0, box.left)
    height = min(canvas[1], box.bottom) - max(0, box.top)
    new = 1 - width * height / (canvas[0] * canvas[1])
    checks = {
        "new_share": round(new, 4),
        "photo_scale": round(box.width / subject.frame[0], 4),
    }
    grows = {
        "left": box.left > 0,
        "top": box.top > 0,
        "right": box.right < canvas[0],
        "bottom": box.bottom < canvas[1],
    }
    warnings = []
    if new > 0 and is_textured:
        warnings.append("expanded_texture")
    if new > _MOST_NEW:
        warnings.append("mostly_new")
    if subject.stands is not None:
        # A product that ends at the frame is not made up: the backdrop goes on beside its cut.
        cut = sides_touched(_grown(subject.stands, subject.frame), subject.frame)
        if any(grows[side] for side in cut):
            warnings.append("product_cut_off")
    return checks, tuple(warnings)


def _grown(box: Box, frame: tuple[int, int]) -> Box:
    pad = max(1, round(_NEAR_EDGE * max(frame)))
    return Box(box.left - pad, box.top - pad, box.width + 2 * pad, box.height + 2 * pad)
