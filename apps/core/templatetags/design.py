"""Template tags of the design system: icons, segmented progress and charts.

Owns the mapping from data to the markup of `static/css/components`; knows no domain word.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import lucide
from django import template
from django.utils.safestring import SafeString, mark_safe

from apps.core.charts import Chart

register = template.Library()

TONES = ("success", "accent", "warning", "danger")


@dataclass(frozen=True, slots=True)
class Segment:
    """One colored part of a segmented progress bar, in percent of its width."""

    tone: str
    start: float
    width: float


@register.simple_tag
def icon(name: str) -> SafeString:
    """Return a Lucide icon by name, inline, hidden from screen readers; CSS gives the size."""
    return _icon(str(name))


@register.filter(is_safe=True)
def sentence(text: str) -> str:
    """Return a library's Title Case as the house writes it: one capital, at the start."""
    words = str(text).strip().lower()
    return words[:1].upper() + words[1:]


@lru_cache(maxsize=256)
def _icon(name: str) -> SafeString:
    drawn = lucide._render_icon(name, 16, aria_hidden="true", focusable="false")  # noqa: SLF001
    return mark_safe(drawn)  # noqa: S308 - drawn from the installed icon set only


@register.inclusion_tag("components/_segments.html")
def segments(total: int, label: str = "", **counts: int) -> dict[str, object]:
    """Draw progress in parts: ``{% segments total=12 success=8 danger=1 label="Shoot 3" %}``.

    Parts are drawn in the order of `TONES`; what they leave of ``total`` stays empty.
    """
    return {"parts": plan_segments(total, counts), "label": label}


@register.inclusion_tag("components/_chart.html")
def draw(chart: Chart, column: str, *, low: bool = False) -> dict[str, object]:
    """Draw a chart with its numbers: ``{% draw page.spend "Day" low=True %}``.

    ``column`` names the first column of the table of numbers.
    """
    return {"chart": chart, "column_name": column, "low": low}


def plan_segments(total: int, counts: dict[str, int]) -> list[Segment]:
    """Return the parts of a bar in the order of `TONES`, each beginning where the last one ends.

    Raises
    ------
    ValueError
        If a tone is unknown.

    Examples
    --------
    >>> [(part.tone, part.start, part.width) for part in plan_segments(4, {"success": 1})]
    [('success', 0.0, 25.0)]
    """
    unknown = set(counts) - set(TONES)
    if unknown:
        raise ValueError(f"unknown tones {sorted(unknown)}; use {', '.join(TONES)}")
    parts: list[Segment] = []
    start = 0.0
    for tone in TONES:
        count = counts.get(tone) or 0
        if count > 0 and total > 0:
            width = 100 * count / total
            parts.append(Segment(tone, round(start, 3), round(width, 3)))
            start += width
    return parts
