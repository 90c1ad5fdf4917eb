"""What a mockup template may say: the base, where the design lies on it and how it is printed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gpu_workers.typed_fields import color, within

BaseName = Literal["mug", "box", "bottle", "tote", "tee", "poster", "frame", "phone"]


@dataclass(frozen=True, slots=True)
class MockupOptions:
    """Options of a mockup."""

    base: BaseName = "mug"
    """Taken where the order brings no photo of its own in the role ``base``."""
    base_color: str | None = color(None)
    """Color of the base; None leaves its own."""
    base_color_from_design: bool = False
    """Whether the base takes the color along the design's border, where that is one color."""
    fit: Literal["contain", "cover"] = "contain"
    scale: float = within(0.05, 4.0, default=1.0)
    """Size of the design relative to its fit."""
    offset_x: float = within(-1.0, 1.0, default=0.0)
    """Shift to the right, as a share of the print area's width."""
    offset_y: float = within(-1.0, 1.0, default=0.0)
    rotation_deg: float = within(-180.0, 180.0, default=0.0)
    """Clockwise."""
    white_is_clear: bool = False
    """Whether white of the design is no ink: for drawings on white paper."""
    trim: bool = True
    """Whether empty margins of a transparent design are cut off before it is fitted."""
    ink: float = within(0.05, 1.0, default=1.0)
    """Opacity of the ink."""
    finish: Literal["own", "matte", "gloss", "fabric"] = "own"
    """``matte`` takes the shine off the print, ``gloss`` adds to it, ``fabric`` shows threads."""
    corners: tuple[float, ...] = within(0.0, 1.0, default=())
    """Print area of a base photo of one's own: x and y, as shares of the photo, of its upper left,
    upper right, lower right and lower left corner."""
    surface: Literal["flat", "cylinder", "cloth"] = "flat"
    """Shape of the print area of a base photo of one's own."""
    wrap_deg: float = within(10.0, 88.0, default=60.0)
    """For a cylinder: half the angle between the left and right side of the area."""
    bow: float = within(-0.5, 0.5, default=0.0)
    """For a cylinder: how far the middle of the area hangs below its corners, in heights."""
