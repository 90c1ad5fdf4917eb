"""What an expand template may say: where the photo lies on its larger canvas, and how large."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class ExpandOptions:
    """Options of an expanded picture."""

    anchor: Literal[
        "center",
        "top",
        "bottom",
        "left",
        "right",
        "top_left",
        "top_right",
        "bottom_left",
        "bottom_right",
    ] = "center"
    """Where the photo lies on the canvas."""
    size: Literal["keep", "fit", "product"] = "keep"
    """``keep`` takes the photo pixel for pixel and makes it smaller only if the canvas is; ``fit``
    makes it as large as the canvas allows; ``product`` makes the product fill the canvas as the
    framing says, and cuts the photo where it must."""
