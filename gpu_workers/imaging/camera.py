"""From where the product was photographed, and the ground plane that follows from it.

Owns the estimate of the camera's pitch and the mapping between canvas rows and depth on the
ground. Does not draw.

Units: canvas pixels; on the ground one unit is `Ground.unit_px` canvas pixels at the depth of
the product. Source: the pinhole model with the image plane kept upright (as with a shift lens),
so that depth depends on the row alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Matte
from gpu_workers.imaging.framing import Placement, product_box
from gpu_workers.scene_spec import CameraPitch

Floats: TypeAlias = npt.NDArray[np.float32]

_PITCH_DEG: Final[dict[CameraPitch, float]] = {"front": 6.0, "slightly_above": 19.0, "top": 90.0}
_FOCAL: Final = 1.6
"""Focal length in canvas sides: a 35 degree lens, the usual short telephoto of product work."""
_PRODUCT_UNITS: Final = 0.62
"""Longest side of a product in ground units (about 25 cm): gives boards and threads their size."""
_UNIT_RANGE: Final = (0.75, 1.35)

_FLAT: Final = 0.012
_ROUND: Final = 0.16
_LYING: Final = 0.07


@dataclass(frozen=True, slots=True)
class Ground:
    """The plane that the product stands on, as the camera sees it."""

    pitch: CameraPitch
    vanish: float
    """Row where the plane would end at infinity; above the frame when negative."""
    base: float
    """Row on which the product stands."""
    edge: float
    """Row of the plane's back edge; above the frame when negative."""
    center: float
    """Column of the principal point."""
    unit_px: float
    focal_units: float

    def depth(self, row: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Return depth over the depth of the product: 1 at `base`, more behind it."""
        return (self.base - self.vanish) / np.maximum(np.asarray(row, float) - self.vanish, 1.0)

    def row(self, depth: float) -> float:
        """Return the row on which the ground lies at a depth of `depth` times the product's."""
        return self.vanish + (self.base - self.vanish) / depth

    @property
    def foreshortening(self) -> float:
        """Rows per unit of depth over columns per unit of width, at the product."""
        if self.pitch == "top":
            return 1.0
        return (self.base - self.vanish) / (self.focal_units * self.unit_px)


def look_at(placement: Placement, pitch: CameraPitch, horizon: float, base: float) -> Ground:
    """Return the ground under a placed product.

    Parameters
    ----------
    placement
        Where the product stands.
    pitch
        From where it was photographed.
    horizon
        Height of the back edge of the surface from the top of the canvas, 0 to 1, as it looks
        from the front. From higher up the same surface ends higher in the picture.
    base
        Row of the canvas on which the product stands, or would stand.
    """
    width, height = placement.canvas
    side = min(width, height)
    longest = max(placement.product.width, placement.product.height) / _PRODUCT_UNITS
    unit = min(max(longest, _UNIT_RANGE[0] * side), _UNIT_RANGE[1] * side)
    focal = _FOCAL * side
    if pitch == "top":
        return Ground(pitch, -math.inf, base, -math.inf, width / 2, unit, focal / unit)

    def vanish(view: CameraPitch) -> float:
        return base - 0.34 * side - focal * math.tan(math.radians(_PITCH_DEG[view]))

    edge_seen_from_front = min(horizon * height, base - 0.05 * side)
    reach = (base - vanish("front")) / (edge_seen_from_front - vanish("front"))
    edge = vanish(pitch) + (base - vanish(pitch)) / max(reach, 1.05)
    return Ground(pitch, vanish(pitch), base, edge, width / 2, unit, focal / unit)


def estimate_pitch(matte: Matte) -> CameraPitch:
    """Guess from the silhouette's lower contour how far above the product the camera was.

    A level base means a camera in front of it. A base that bulges like the front of an ellipse,
    or rests on one corner, means a camera above. A contour that offers no stand at all belongs
    to something lying under the camera. In doubt: slightly above, as most are photographed.

    Parameters
    ----------
    matte
        (h, w) float32, the product's opacity.
    """
    box = product_box(matte)
    if box is None:
        return "slightly_above"
    visible = matte[box.top : box.bottom, box.left : box.right] > 0.5
    columns = np.flatnonzero(visible.any(axis=0))
    if columns.size < 8:
        return "slightly_above"
    lowest = box.height - 1 - np.argmax(visible[::-1, columns], axis=0)
    rise = (box.height - 1 - lowest) / max(box.width, box.height)
    resting = columns[rise < _FLAT]
    span = (resting[-1] - resting[0]) / box.width if resting.size else 0.0
    share = resting.size / columns.size
    if span > 0.45 and share > 0.25:
        return "front"
    low = float((rise < _LYING).mean())
    middle = float(np.average(columns, weights=visible[:, columns].sum(axis=0))) / box.width
    rests_under_middle = resting.size > 0 and (
        resting[0] / box.width - _ROUND < middle < resting[-1] / box.width + _ROUND
    )
    if low < 0.22 and not rests_under_middle:
        return "top"
    return "slightly_above"


def choose_pitch(estimate: CameraPitch, accepted: tuple[CameraPitch, ...]) -> CameraPitch:
    """Return the accepted pitch nearest to the estimate."""
    return min(accepted, key=lambda pitch: abs(_PITCH_DEG[pitch] - _PITCH_DEG[estimate]))
