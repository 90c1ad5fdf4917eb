"""What a launch would need: a workspace's question to the simulator, and the answer as a page.

Owns the choice of variants: as the fleet is now, and with a demand period planned. The fleet is
taken to be the workspace's alone; its fair share of it stands beside the answer. Times are seconds,
money is in minor units.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.billing.models import CreditAccount
from apps.compute.models import ScaleDecision, Worker, WorkerLife
from apps.compute.planner.child import simulate_apart
from apps.compute.planner.mix import CheapestMix, mean_seconds, mix_for
from apps.compute.planner.scenario import (
    COLUMNS,
    Demand,
    ScenarioResult,
    Variant,
    VariantResult,
)
from apps.compute.queries.foresight import Effect, UsualWork, effect_of, usual_work
from apps.compute.queries.lane import FairPart, fair_parts
from apps.core.charts import Chart, Series, chart
from apps.core.errors import InvalidError

_LEAST_PERIOD_SECONDS: Final = 3600.0
_LONGEST_SECONDS: Final = 10 * 86_400.0
_DAY_SECONDS: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody asks."""

    images: int
    starts_at: datetime
    spread_seconds: float
    """Over how long they are ordered; 0: all at once."""
    kind: str
    target_wait_seconds: float

    @property
    def ends_at(self) -> datetime:
        """The end of the demand period that would cover it."""
        return self.starts_at + timedelta(seconds=max(self.spread_seconds, _LEAST_PERIOD_SECONDS))


@dataclass(frozen=True, slots=True)
class Volume:
    """How much the fleet can produce, and what bounds it."""

    images_a_day: int
    workers: int
    seconds_each: float
    credits_left: int
    share_percent: int
    """The workspace's part while all who want the fleet now want it."""

    @property
    def bound(self) -> str:
        """What ends first at full speed: ``credits`` within a day, else ``workers``."""
        return "credits" if self.credits_left < self.images_a_day else "workers"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One variant, ready to show."""

    result: VariantResult
    finish_p50_at: datetime
    finish_p90_at: datetime
    cost_minor: float | None
    """None where no price is known."""

    @property
    def within_percent(self) -> int:
        """Share of images that began within the target wait, rounded down."""
        return self.result.within_percent


@dataclass(frozen=True, slots=True)
class Answer:
    """The planner page's answer."""

    question: Question
    work: UsualWork
    effect: Effect
    as_now: Outcome
    planned: Outcome
    currency: str
    max_workers: int
    group: int
    workers: Chart
    volume: Volume
    mix: CheapestMix

    @property
    def saved_seconds(self) -> float:
        """How much earlier the last image is done with the plan."""
        return max(0.0, self.as_now.result.finish_p50 - self.planned.result.finish_p50)

    @property
    def helps(self) -> bool:
        """Whether planning it makes a difference worth the workers."""
        return (
            self.planned.result.within_target - self.as_now.result.within_target > 0.01
            or self.saved_seconds > 60
        )


def volume(kind: str) -> Volume:
    """Return what the fleet can make in a day of the kind, for the open tenant."""
    work = usual_work(kind)
    left = CreditAccount.objects.get().available
    return _volume(work, left, _share(work.worker_class))


def ask(question: Question) -> Answer:
    """Return what the question's demand would need, for the open tenant.

    Raises
    ------
    InvalidError
        ``planner.too_much`` if the whole fleet would work on it for longer than ten days.
    UnavailableError
        As `child.simulate_apart`.
    """
    effect = effect_of(
        kind=question.kind,
        renders=question.images,
        starts_at=question.starts_at,
        ends_at=question.ends_at,
    )
    most = fleet_bound(effect.work.worker_class)
    days = effect.worker_seconds / most / _DAY_SECONDS
    if days * _DAY_SECONDS > _LONGEST_SECONDS:
        raise InvalidError(
            "planner.too_much",
            f"{question.images:,} images are {days:,.0f} days of work for the {most} workers this "
            "fleet may have. Ask for fewer, or ask whoever runs this server for more workers.",
            field="images",
        )
    result = simulate_apart(_demand(question, effect.work), _variants(question, effect, most))
    return _answer(question, effect, most, result)


def fleet_bound(worker_class: str) -> int:
    """Return how many workers of a class there may be: as decided last, else as configured."""
    row = (
        ScaleDecision.objects.filter(worker_class=worker_class)
        .order_by("-decided_at", "-id")
        .values_list("view", flat=True)
        .first()
    )
    seen = row.get("max_workers") if isinstance(row, dict) else None
    if isinstance(seen, int) and seen > 0:
        return seen
    configured = settings.MAX_WORKERS.get(worker_class)
    if configured:
        return int(configured)
    alive = Worker.objects.filter(worker_class=worker_class).exclude(state=Worker.State.GONE)
    return max(1, alive.count(), settings.MIN_WORKERS.get(worker_class, 0))


def _demand(question: Question, work: UsualWork) -> Demand:
    return Demand(
        images=question.images,
        spread_seconds=question.spread_seconds,
        p50_seconds=work.seconds.p50,
        p90_seconds=max(work.seconds.p50, work.seconds.p90),
    )


def _variants(question: Question, effect: Effect, most: int) -> tuple[Variant, ...]:
    least = min(most, settings.MIN_WORKERS.get(effect.work.worker_class, 0))
    warm = max(least, min(most, effect.workers))

    def variant(name: str, workers: int) -> Variant:
        return Variant(
            name=name,
            max_workers=most,
            target_wait_seconds=question.target_wait_seconds,
            cold_start_seconds=effect.cold_start_seconds,
            warm_workers=workers,
            floor_workers=workers,
            floor_seconds=(question.ends_at - question.starts_at).total_seconds(),
        )

    return (variant("as_now", least), variant("planned", warm))


def _answer(question: Question, effect: Effect, most: int, result: ScenarioResult) -> Answer:
    price = _price(effect.work.worker_class)
    as_now, planned = (_outcome(question, one, price) for one in result.variants)
    return Answer(
        question=question,
        work=effect.work,
        effect=effect,
        as_now=as_now,
        planned=planned,
        currency=price[1] if price else "",
        max_workers=most,
        group=result.group,
        workers=_chart(question, as_now.result, planned.result, most),
        volume=_volume(effect.work, effect.credits_left, _share(effect.work.worker_class)),
        mix=mix_for(
            effect.work,
            images=question.images,
            period_seconds=(question.ends_at - question.starts_at).total_seconds(),
            target_wait_seconds=question.target_wait_seconds,
            price_of=_price,
            most_of=fleet_bound,
        ),
    )


def _outcome(question: Question, result: VariantResult, price: tuple[float, str] | None) -> Outcome:
    return Outcome(
        result=result,
        finish_p50_at=question.starts_at + timedelta(seconds=result.finish_p50),
        finish_p90_at=question.starts_at + timedelta(seconds=result.finish_p90),
        cost_minor=result.worker_hours * price[0] if price else None,
    )


def _chart(question: Question, as_now: VariantResult, planned: VariantResult, most: int) -> Chart:
    step = timedelta(seconds=as_now.timeline_seconds / COLUMNS)
    # A launch of minutes is told by the minute, one of days by day and hour.
    pattern = "H:i" if as_now.timeline_seconds < _DAY_SECONDS else "j M H:i"
    return chart(
        title=_("Workers over time"),
        labels=[
            date_format(question.starts_at + step * place, pattern) for place in range(COLUMNS)
        ],
        series=[
            Series(_("With the plan"), planned.timeline, tone="accent", shape="area"),
            Series(_("As now"), as_now.timeline, tone="warning", shape="step"),
        ],
        unit=_("workers"),
        marks=5,
        limit=(float(most), _("The fleet's limit")),
    )


def _volume(work: UsualWork, credits_left: int, share_percent: int) -> Volume:
    each = mean_seconds(work.seconds.p50, work.seconds.p90)
    workers = fleet_bound(work.worker_class)
    return Volume(
        images_a_day=int(workers * _DAY_SECONDS / each),
        workers=workers,
        seconds_each=each,
        credits_left=credits_left,
        share_percent=share_percent,
    )


def _share(worker_class: str) -> int:
    parts: list[FairPart] = [part for part in fair_parts() if part.worker_class == worker_class]
    return parts[0].percent if parts else 100


def _price(worker_class: str) -> tuple[float, str] | None:
    """Return what a worker of the class cost last, by the hour; None if nobody said."""
    return (
        WorkerLife.objects.filter(worker_class=worker_class, price_minor_per_hour__gt=0)
        .order_by("-launched_at")
        .values_list("price_minor_per_hour", "currency")
        .first()
    )
