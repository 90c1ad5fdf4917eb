"""Numbers as the geometry of a chart. Pure.

Owns scales, grid and the shapes of bars, steps and lines over evenly spaced columns; the template
``components/_chart.html`` turns them into SVG. Knows no domain word. Positions and sizes are
percent of the plot, from its top left corner.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Shape = Literal["bar", "step", "area", "line"]
_GAP: Final = 0.28
"""Share of a column that stays empty beside its bar."""
_MOST_STEPS: Final = 4


@dataclass(frozen=True, slots=True)
class Series:
    """One row of numbers, one for each column; None where nothing is known."""

    name: str
    values: tuple[float | None, ...]
    tone: str = "accent"
    shape: Shape = "bar"


@dataclass(frozen=True, slots=True)
class Mark:
    """A label at a place on a scale."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One rectangle."""

    x: float
    y: float
    width: float
    height: float
    tone: str


@dataclass(frozen=True, slots=True)
class Stroke:
    """One path, in a field of 100 by 100."""

    path: str
    tone: str
    is_area: bool


@dataclass(frozen=True, slots=True)
class Column:
    """What stands at one place of the horizontal scale, in words."""

    x: float
    width: float
    label: str
    cells: tuple[str, ...]
    words: str


@dataclass(frozen=True, slots=True)
class Chart:
    """All that the template draws."""

    title: str
    summary: str
    names: tuple[str, ...]
    legend: tuple[tuple[str, str], ...]
    """Name and tone of each series; empty where one series needs no legend."""
    grid: tuple[Mark, ...]
    marks: tuple[Mark, ...]
    bars: tuple[Bar, ...]
    strokes: tuple[Stroke, ...]
    columns: tuple[Column, ...]
    limit: Mark | None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not self.bars and not self.strokes


def chart(
    *,
    title: str,
    labels: Sequence[str],
    series: Sequence[Series],
    unit: str = "",
    marks: int = 6,
    limit: tuple[float, str] | None = None,
    whole: bool = True,
) -> Chart:
    """Lay out a chart.

    Parameters
    ----------
    labels
        What each column is called; evenly spaced, from left to right.
    series
        Bars are drawn first, each further series on top. Every one has as many values as there
        are labels.
    unit
        Follows each number in words.
    marks
        About how many labels of the horizontal scale are written.
    limit
        A level worth a line of its own, with its name.
    whole
        Whether the numbers are counts: the scale then has no fractions.

    Raises
    ------
    ValueError
        If a series has another length than the labels.

    Examples
    --------
    >>> drawn = chart(title="Day", labels=["a", "b"], series=[Series("Made", (2.0, 4.0))])
    >>> [(bar.y, bar.height) for bar in drawn.bars]
    [(50.0, 50.0), (0.0, 100.0)]
    >>> [mark.label for mark in drawn.grid]
    ['4', '3', '2', '1', '0']
    """
    for one in series:
        if len(one.values) != len(labels):
            raise ValueError(f"{one.name}: {len(one.values)} values for {len(labels)} labels")
    known = [value for one in series for value in one.values if value is not None]
    ticks = scale(max([*known, limit[0] if limit else 0.0], default=0.0), whole=whole)
    top = ticks[-1]
    return Chart(
        title=title,
        summary=_summary(title, labels, series, unit),
        names=tuple(one.name for one in series),
        legend=tuple((one.name, one.tone) for one in series) if len(series) > 1 else (),
        grid=tuple(Mark(_height(top, tick), number(tick)) for tick in reversed(ticks)),
        marks=_marks(labels, marks),
        bars=tuple(bar for one in series if one.shape == "bar" for bar in _bars(one, top)),
        strokes=tuple(
            _stroke(one, top) for one in series if one.shape != "bar" and any(one.values)
        ),
        columns=_columns(labels, series, unit),
        limit=Mark(_height(top, limit[0]), limit[1]) if limit else None,
    )


def scale(highest: float, *, whole: bool = True) -> tuple[float, ...]:
    """Return round, evenly spaced numbers from 0 to at least the highest one.

    Examples
    --------
    >>> scale(17)
    (0.0, 5.0, 10.0, 15.0, 20.0)
    >>> scale(0)
    (0.0, 1.0)
    """
    if highest <= 0:
        return (0.0, 1.0)
    least = highest / _MOST_STEPS
    power = 10.0 ** math.floor(math.log10(least))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= least * 0.999)
    if whole and (step < 1 or step != round(step)):
        step = float(math.ceil(step))
    steps = max(1, math.ceil(highest / step - 1e-9))
    return tuple(round(step * place, 6) for place in range(steps + 1))


def number(value: float | None) -> str:
    """Return a number as it is read: thousands apart, one decimal only below ten.

    Examples
    --------
    >>> [number(value) for value in (None, 3.0, 3.26, 1234.5)]
    ['–', '3', '3.3', '1,234']
    """
    if value is None:
        return "–"
    if value == round(value) or abs(value) >= 10:
        return f"{value:,.0f}"
    return f"{value:.1f}"


def _height(top: float, value: float) -> float:
    return round(100 - 100 * value / top, 3)


def _marks(labels: Sequence[str], wanted: int) -> tuple[Mark, ...]:
    every = max(1, math.ceil(len(labels) / max(1, wanted)))
    width = 100 / max(1, len(labels))
    return tuple(
        Mark(round((place + 0.5) * width, 3), label)
        for place, label in enumerate(labels)
        if place % every == 0
    )


def _bars(series: Series, top: float) -> list[Bar]:
    column = 100 / max(1, len(series.values))
    return [
        Bar(
            x=round((place + _GAP / 2) * column, 3),
            y=_height(top, value),
            width=round((1 - _GAP) * column, 3),
            height=round(100 * value / top, 3),
            tone=series.tone,
        )
        for place, value in enumerate(series.values)
        if value
    ]


def _stroke(series: Series, top: float) -> Stroke:
    column = 100 / max(1, len(series.values))
    parts: list[str] = []
    pen_down = False
    is_area = series.shape == "area"
    for place, known in enumerate(series.values):
        # An area is closed along the ground; what is not known leaves no hole in it.
        value = 0.0 if known is None and is_area else known
        if value is None:
            pen_down = False
            continue
        y = _height(top, value)
        move = "L" if pen_down else "M"
        if series.shape == "line":
            parts.append(f"{move}{(place + 0.5) * column:.3f} {y:g}")
        else:
            parts.append(f"{move}{place * column:.3f} {y:g}H{(place + 1) * column:.3f}")
        pen_down = True
    path = "".join(parts)
    if is_area:
        path = f"M0 100L{path[1:]}V100Z"
    return Stroke(path, series.tone, is_area)


def _columns(labels: Sequence[str], series: Sequence[Series], unit: str) -> tuple[Column, ...]:
    width = 100 / max(1, len(labels))
    columns = []
    for place, label in enumerate(labels):
        cells = tuple(number(one.values[place]) for one in series)
        named = ", ".join(
            f"{one.name} {cell}" if len(series) > 1 else cell
            for one, cell in zip(series, cells, strict=True)
        )
        words = f"{label}: {named} {unit}".rstrip()
        columns.append(Column(round(place * width, 3), round(width, 3), label, cells, words))
    return tuple(columns)


def _summary(title: str, labels: Sequence[str], series: Sequence[Series], unit: str) -> str:
    parts = [title]
    for one in series:
        known = [(value, label) for value, label in zip(one.values, labels, strict=True) if value]
        if known:
            highest, where = max(known, key=lambda pair: pair[0])
            parts.append(f"{one.name}: highest {number(highest)} {unit}".rstrip() + f" at {where}")
    return ". ".join(parts) + "."
