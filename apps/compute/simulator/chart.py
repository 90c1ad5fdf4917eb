"""One picture of a comparison: demand, workers and waits of every policy, as SVG. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from itertools import pairwise
from typing import Final

import numpy as np

from apps.compute.simulator.engine import Record
from apps.compute.simulator.outcome import waits_of
from apps.compute.simulator.workload import Floats, Workload

_WIDTH: Final = 960
_PANEL: Final = 150
_LEFT: Final = 56
_BINS: Final = 240
_LEGEND: Final = 138 + 2 * _PANEL
_LEGEND_COLUMNS: Final = 4
# Told apart by people with any color vision, and by their dashes in print (Okabe and Ito, 2008).
_LOAD: Final = "#6b6b6b"
_STROKES: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
_DASHES: Final = ("", "6 3", "2 2", "8 3 2 3", "1 3", "10 4")


def chart(workload: Workload, runs: Sequence[tuple[str, Record]]) -> str:
    """Return an SVG document: a panel of workers over the load, and one of p95 waits.

    Parameters
    ----------
    runs
        Policies and what happened, in the order of the legend.
    """
    end = max(record.end for _, record in runs)
    edges = np.linspace(0.0, end, _BINS + 1)
    middles = (edges[1:] + edges[:-1]) / 2
    load = np.histogram(workload.arrival, edges, weights=workload.work)[0] / np.diff(edges)
    fleets = [_workers(record, middles) for _, record in runs]
    waits = [_waits(workload, record, edges) for _, record in runs]
    most_workers = max(1.0, float(load.max()), *(float(fleet.max()) for fleet in fleets))
    longest = max(1.0, *(float(wait.max()) for wait in waits))
    lines = [
        _line(load / most_workers, 40, _LOAD, width=3),
        *(
            _line(fleet / most_workers, 40, _STROKES[n % 6], dashes=_DASHES[n % 6])
            for n, fleet in enumerate(fleets)
        ),
        *(
            _line(wait / longest, 90 + _PANEL, _STROKES[n % 6], dashes=_DASHES[n % 6])
            for n, wait in enumerate(waits)
        ),
    ]
    entries = [("load", _LOAD, "")] + [
        (name, _STROKES[n % 6], _DASHES[n % 6]) for n, (name, _) in enumerate(runs)
    ]
    legend = [_legend(n, name, stroke, dashes) for n, (name, stroke, dashes) in enumerate(entries)]
    height = _LEGEND + 20 * math.ceil(len(entries) / _LEGEND_COLUMNS) + 8
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'font-family="sans-serif" font-size="12" role="img">'
        f"<title>{escape(workload.name)}: workers and waits by policy</title>"
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>'
        f'<text x="{_LEFT}" y="24">Workers, and the load they carry</text>'
        f'<text x="{_LEFT}" y="{74 + _PANEL}">p95 wait of what arrived, seconds</text>'
        f"{_scale(40, most_workers)}{_scale(90 + _PANEL, longest)}"
        f'<text x="{_WIDTH - 8}" y="{110 + 2 * _PANEL}" text-anchor="end">'
        f"{end / 3600:.1f} hours</text>{''.join(lines)}{''.join(legend)}</svg>\n"
    )


def _workers(record: Record, instants: Floats) -> Floats:
    starts = np.sort([life.launched_at for life in record.lives])
    ends = np.sort([min(life.released_at, record.end) for life in record.lives])
    return np.asarray(
        np.searchsorted(starts, instants, "right") - np.searchsorted(ends, instants, "right"),
        dtype=np.float64,
    )


def _waits(workload: Workload, record: Record, edges: Floats) -> Floats:
    waits = waits_of(workload, record)
    places = np.searchsorted(workload.arrival, edges)
    return np.asarray(
        [
            np.percentile(waits[first:last], 95) if last > first else 0.0
            for first, last in pairwise(places)
        ]
    )


def _line(heights: Floats, top: int, stroke: str, *, dashes: str = "", width: float = 1.5) -> str:
    step = (_WIDTH - _LEFT - 8) / max(1, len(heights) - 1)
    points = " ".join(
        f"{_LEFT + n * step:.1f},{top + _PANEL * (1 - height):.1f}"
        for n, height in enumerate(heights)
    )
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<polyline points="{points}" fill="none" stroke="{stroke}" '
        f'stroke-width="{width}"{dashed}/>'
    )


def _legend(place: int, name: str, stroke: str, dashes: str) -> str:
    """Return an entry: a piece of the line, and the name in a color that can be read."""
    x = _LEFT + (_WIDTH - _LEFT) // _LEGEND_COLUMNS * (place % _LEGEND_COLUMNS)
    y = _LEGEND + 20 * (place // _LEGEND_COLUMNS)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<line x1="{x}" y1="{y - 4}" x2="{x + 28}" y2="{y - 4}" stroke="{stroke}" '
        f'stroke-width="3"{dashed}/><text x="{x + 36}" y="{y}">{escape(name)}</text>'
    )


def _scale(top: int, largest: float) -> str:
    return (
        f'<line x1="{_LEFT}" y1="{top + _PANEL}" x2="{_WIDTH - 8}" y2="{top + _PANEL}" '
        f'stroke="#444444"/><text x="{_LEFT - 6}" y="{top + 10}" text-anchor="end">'
        f'{largest:.0f}</text><text x="{_LEFT - 6}" y="{top + _PANEL}" text-anchor="end">0</text>'
    )
