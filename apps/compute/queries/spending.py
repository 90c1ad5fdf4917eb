"""What the open tenant used this month: credits and worker-seconds, day by day, in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.billing.models import CreditAccount, LedgerEntry
from apps.compute.models import WorkItem
from apps.core.charts import Chart, Series, chart


@dataclass(frozen=True, slots=True)
class Spending:
    """The month so far."""

    month: date
    credits: int
    worker_seconds: float
    available: int
    reserved: int
    plan_name: str
    monthly_credits: int
    credits_by_day: Chart
    minutes_by_day: Chart

    @property
    def seconds_each(self) -> float | None:
        """Worker-seconds for each credit; None before the first."""
        return self.worker_seconds / self.credits if self.credits else None


def spending(now: datetime) -> Spending:
    """Return what was used since the first of the month. Three queries."""
    since = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    used = LedgerEntry.objects.filter(kind=LedgerEntry.Kind.CAPTURE, created_at__gte=since)
    captured = _by_day(used.annotate(day=TruncDate("created_at")), "credits")
    work = WorkItem.objects.filter(finished_at__gte=since, service_seconds__isnull=False)
    seconds = _by_day(work.annotate(day=TruncDate("finished_at")), "service_seconds")
    days = [since.date() + timedelta(days=day) for day in range(now.day)]
    account = CreditAccount.objects.get()
    return Spending(
        month=since.date(),
        credits=int(sum(captured.values())),
        worker_seconds=sum(seconds.values()),
        available=account.available,
        reserved=account.reserved,
        plan_name=account.plan.name,
        monthly_credits=account.plan.monthly_credits,
        credits_by_day=_chart(_("Credits used, by day"), days, captured, unit=_("credits")),
        minutes_by_day=_chart(
            _("Worker time, by day"),
            days,
            {day: value / 60 for day, value in seconds.items()},
            unit=_("min"),
        ),
    )


def _by_day(rows: QuerySet[Any], field: str) -> dict[date, float]:
    totals = rows.order_by().values_list("day").annotate(total=Sum(field))
    return {day: float(total or 0) for day, total in totals}


def _chart(title: str, days: list[date], values: dict[date, float], *, unit: str) -> Chart:
    return chart(
        title=title,
        labels=[date_format(day, "j M") for day in days],
        series=[Series(title, tuple(values.get(day, 0.0) for day in days))],
        unit=unit,
        marks=6,
    )
