"""What a person does to a cutout, step by step: strokes of a brush and outlines.

Owns the steps as values, their JSON form and their limits. Coordinates are shares of the photo's
width and height, 0 to 1; a radius is a share of its longest side. Standard library only: the web
checks steps with it, and the worker draws them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

from gpu_workers.errors import OrderInvalid

Tool: TypeAlias = Literal["keep", "remove", "outline"]

MOST_STEPS: Final = 200
MOST_POINTS: Final = 20_000
"""Of all steps together: an hour of drawing, and a request of half a megabyte."""
LEAST_RADIUS: Final = 0.001
LARGEST_RADIUS: Final = 0.12
_LEAST_CORNERS: Final = 3


@dataclass(frozen=True, slots=True)
class Step:
    """One stroke or outline."""

    tool: Tool
    points: tuple[tuple[float, float], ...]
    """Where the brush went, or the corners of the outline, which closes by itself."""
    radius: float = LEAST_RADIUS
    """Of the brush; an outline has none."""

    def to_json(self) -> dict[str, Any]:
        """Return the step as JSON values."""
        return {"tool": self.tool, "radius": self.radius, "points": [list(p) for p in self.points]}


def steps_from_json(value: Any) -> tuple[Step, ...]:
    """Read steps that came from outside.

    Raises
    ------
    OrderInvalid
        If they are of another form or beyond a limit; the message names the step and the cure.
    """
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise OrderInvalid("steps: a list expected")
    if len(value) > MOST_STEPS:
        raise OrderInvalid(f"steps: at most {MOST_STEPS} expected; keep the cutout and go on then")
    steps = tuple(_step(place, entry) for place, entry in enumerate(value, start=1))
    if sum(len(step.points) for step in steps) > MOST_POINTS:
        raise OrderInvalid(f"steps: at most {MOST_POINTS} points expected; keep the cutout first")
    return steps


def _step(place: int, value: Any) -> Step:
    if not isinstance(value, Mapping):
        raise OrderInvalid(f"step {place}: an object expected")
    tool: Any = value.get("tool")
    if tool not in get_args(Tool):
        raise OrderInvalid(f"step {place}: tool is none of {', '.join(get_args(Tool))}")
    points = value.get("points")
    if not isinstance(points, Sequence) or isinstance(points, str):
        raise OrderInvalid(f"step {place}: points: a list expected")
    least = _LEAST_CORNERS if tool == "outline" else 1
    if len(points) < least:
        raise OrderInvalid(f"step {place}: at least {least} points expected")
    radius = LEAST_RADIUS
    if tool != "outline":
        radius = _number(value.get("radius"), f"step {place}: radius", LEAST_RADIUS, LARGEST_RADIUS)
    return Step(tool, tuple(_point(place, point) for point in points), radius)


def _point(place: int, value: Any) -> tuple[float, float]:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        raise OrderInvalid(f"step {place}: each point is [x, y]")
    x, y = (_number(each, f"step {place}: a coordinate", 0.0, 1.0) for each in value)
    return x, y


def _number(value: Any, what: str, low: float, high: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:
        raise OrderInvalid(f"{what} within {low:g} to {high:g} expected")
    return float(value)
