"""The demand calendar of the open tenant: planned periods, past demand, and what a plan changes.

Days and hours are UTC. Past demand is the tenant's own; that of all tenants together is nobody's
business here. Times are seconds.
"""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal

from django.db.models import Count
from django.db.models.functions import ExtractHour, ExtractIsoWeekDay
from django.utils.formats import date_format

from apps.compute.models import DemandPeriod, WorkItem
from apps.core import clock
from apps.core.charts import number
from apps.core.errors import NotFoundError

View = Literal["month", "week"]
HISTORY_WEEKS: Final = 4
_LEVELS: Final = 5
_DAYS: Final = 7
_FIRST_YEAR, _LAST_YEAR = 2000, 2200


@dataclass(frozen=True, slots=True)
class DayPeriod:
    """A planned period on one of its days."""

    period: DemandPeriod
    starts_here: bool
    ends_here: bool


@dataclass(frozen=True, slots=True)
class Day:
    """One field of the calendar."""

    date: date
    is_shown: bool
    """Belongs to the month that is shown."""
    is_today: bool
    is_past: bool
    periods: tuple[DayPeriod, ...]


@dataclass(frozen=True, slots=True)
class Calendar:
    """A month or a week with what is planned in it."""

    view: View
    on: date
    today: date
    title: str
    weekdays: tuple[str, ...]
    weeks: tuple[tuple[Day, ...], ...]
    previous: date
    next: date


@dataclass(frozen=True, slots=True)
class HeatCell:
    """One hour of the week."""

    level: int
    """0 for nothing to 5 for as much as the busiest hour."""
    words: str
    is_planned: bool


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Past demand by hour of the week."""

    rows: tuple[tuple[str, tuple[HeatCell, ...]], ...]
    hours: tuple[int, ...]
    renders: int
    """In all weeks together."""
    busiest: str
    """The busiest hour in words; empty without history."""


@dataclass(frozen=True, slots=True)
class DemandPage:
    """The demand calendar."""

    calendar: Calendar
    upcoming: tuple[DemandPeriod, ...]
    heat: HeatMap


def demand_page(*, view: View, on: date | None) -> DemandPage:
    """Return the calendar around a day (today without one). Three queries."""
    now = clock.now()
    shown = on or now.date()
    first, last = _span(view, shown)
    periods = list(
        DemandPeriod.objects.filter(
            canceled_at__isnull=True,
            starts_at__lt=_instant(last + timedelta(days=1)),
            ends_at__gt=_instant(first),
        ).order_by("starts_at", "id")
    )
    upcoming = list(
        DemandPeriod.objects.filter(canceled_at__isnull=True, ends_at__gt=now).order_by(
            "starts_at", "id"
        )
    )
    return DemandPage(
        calendar=_calendar(view, shown, now.date(), periods),
        upcoming=tuple(upcoming),
        heat=heat_map(now, upcoming),
    )


def demand_period(period_id: str) -> DemandPeriod:
    """Return a period of the open tenant that is not canceled.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    found: DemandPeriod | None = DemandPeriod.objects.filter(
        pk=period_id, canceled_at__isnull=True
    ).first()
    if found is None:
        raise NotFoundError("demand.missing", "There is no such planned period.")
    return found


def heat_map(now: datetime, planned: Sequence[DemandPeriod] = ()) -> HeatMap:
    """Return the open tenant's demand of the last weeks by hour of the week. One query.

    Hours that a planned period of the next seven days covers are marked.
    """
    since = now - timedelta(weeks=HISTORY_WEEKS)
    counted = (
        WorkItem.objects.filter(queued_at__gte=since)
        .order_by()
        .annotate(weekday=ExtractIsoWeekDay("queued_at"), hour=ExtractHour("queued_at"))
        .values_list("weekday", "hour")
        .annotate(renders=Count("id"))
    )
    renders: dict[tuple[int, int], int] = defaultdict(int)
    for weekday, hour, count in counted:
        renders[weekday, hour] += count
    highest = max(renders.values(), default=0)
    marked = _hours_of(planned, now, now + timedelta(days=_DAYS))
    names = _weekday_names("D")
    rows = tuple(
        (
            names[weekday - 1],
            tuple(
                HeatCell(
                    level=heat_level(renders[weekday, hour], highest),
                    words=number(renders[weekday, hour] / HISTORY_WEEKS),
                    is_planned=(weekday, hour) in marked,
                )
                for hour in range(24)
            ),
        )
        for weekday in range(1, _DAYS + 1)
    )
    return HeatMap(
        rows=rows,
        hours=tuple(range(24)),
        renders=sum(renders.values()),
        busiest=_busiest(renders, highest),
    )


def heat_level(renders: int, highest: int) -> int:
    """Return 0 for nothing, else 1 to 5 by the share of the highest hour.

    Examples
    --------
    >>> [heat_level(count, 100) for count in (0, 1, 20, 21, 100)]
    [0, 1, 1, 2, 5]
    """
    if renders <= 0 or highest <= 0:
        return 0
    return min(_LEVELS, 1 + (renders * _LEVELS - 1) // highest)


def _busiest(renders: dict[tuple[int, int], int], highest: int) -> str:
    if not highest:
        return ""
    weekday, hour = min(place for place, count in renders.items() if count == highest)
    return f"{_weekday_names('l')[weekday - 1]}, {hour:02d}:00–{(hour + 1) % 24:02d}:00"


def _hours_of(
    periods: Sequence[DemandPeriod], since: datetime, until: datetime
) -> frozenset[tuple[int, int]]:
    hours: set[tuple[int, int]] = set()
    for period in periods:
        at = max(period.starts_at, since).replace(minute=0, second=0, microsecond=0)
        while at < min(period.ends_at, until):
            hours.add((at.isoweekday(), at.hour))
            at += timedelta(hours=1)
    return frozenset(hours)


def _span(view: View, on: date) -> tuple[date, date]:
    """Return the first and the last day that are drawn: whole weeks from Monday to Sunday."""
    first = on if view == "week" else on.replace(day=1)
    last = on if view == "week" else on.replace(day=calendar.monthrange(on.year, on.month)[1])
    return (
        first - timedelta(days=first.weekday()),
        last + timedelta(days=_DAYS - 1 - last.weekday()),
    )


def _calendar(view: View, on: date, today: date, periods: Sequence[DemandPeriod]) -> Calendar:
    first, last = _span(view, on)
    days = [first + timedelta(days=place) for place in range((last - first).days + 1)]
    fields = [
        Day(
            date=day,
            is_shown=view == "week" or day.month == on.month,
            is_today=day == today,
            is_past=day < today,
            periods=tuple(
                DayPeriod(
                    period,
                    starts_here=period.starts_at.date() == day,
                    ends_here=_last_day(period) == day,
                )
                for period in periods
                if period.starts_at.date() <= day <= _last_day(period)
            ),
        )
        for day in days
    ]
    if view == "week":
        title = f"{date_format(first, 'j M')} – {date_format(last, 'j M Y')}"
        earlier, later = on - timedelta(days=_DAYS), on + timedelta(days=_DAYS)
    else:
        title = date_format(on, "F Y")
        earlier = (on.replace(day=1) - timedelta(days=1)).replace(day=1)
        later = (on.replace(day=28) + timedelta(days=4)).replace(day=1)
    return Calendar(
        view=view,
        on=on,
        today=today,
        title=title,
        weekdays=_weekday_names("D"),
        weeks=tuple(tuple(fields[place : place + _DAYS]) for place in range(0, len(fields), _DAYS)),
        previous=earlier,
        next=later,
    )


def readable_day(text: str) -> date | None:
    """Return the day written as 2026-11-27, or None where the text is none a calendar shows."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if _FIRST_YEAR <= day.year <= _LAST_YEAR else None


def _last_day(period: DemandPeriod) -> date:
    # A period that ends at midnight does not reach into the next day.
    return (period.ends_at - timedelta(microseconds=1)).date()


def _instant(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def _weekday_names(pattern: str) -> tuple[str, ...]:
    monday = date(2026, 11, 23)
    return tuple(date_format(monday + timedelta(days=place), pattern) for place in range(_DAYS))
