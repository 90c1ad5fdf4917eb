"""Figures side by side: one row for each way of doing the same. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured row."""

    what: str
    values: dict[str, float]
    """By name with its unit, such as ``renders/s`` or ``p99 ms``."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows that may be compared: one machine, one run."""

    title: str
    rows: list[Figure] = field(default_factory=list)

    def text(self) -> str:
        """Return the table as aligned lines."""
        names = list(dict.fromkeys(name for row in self.rows for name in row.values))
        head = ["", *names]
        body = [[row.what, *(_number(row.values.get(name)) for name in names)] for row in self.rows]
        widths = [max(len(line[place]) for line in (head, *body)) for place in range(len(head))]
        lines = [self.title]
        for cells, note in zip([head, *body], ["", *(row.note for row in self.rows)], strict=True):
            aligned = [
                cell.ljust(width) if place == 0 else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
            ]
            lines.append(f"  {'  '.join(aligned)}  {note}".rstrip())
        return "\n".join(lines)


def quantile(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank quantile of at least one value."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
