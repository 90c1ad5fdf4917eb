"""The autoscaler's loop: look at each worker class, ask its policy, stay within bounds, act.

Owns the rhythm and the policies' memory. What a policy sees is read by `scale_views` and
`scale_feed`, what it may do is bounded by `policy.limits`, what is done is `services.scaling`'s.
Where nothing certain can be seen, the fleet is left as it is. Times are seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol, runtime_checkable

import redis
from django.conf import settings

from apps.compute import scale_views
from apps.compute.policy.autoscaling import Floor, PackshotScaler, ScalingSettings
from apps.compute.policy.fleet import ClassView, Reason, ScaleDecision, ScalePolicy
from apps.compute.policy.limits import BudgetStep, bounded, budget_step, frozen
from apps.compute.providers.base import ColdStart, FleetProvider, ProviderUnavailable
from apps.compute.providers.registry import build_provider
from apps.compute.scale_feed import Happening, HappeningReader
from apps.compute.services import history, ledger, scale_bounds, scaling
from apps.compute.services.scale_memory import FleetMemory, LogMark, WorkSums
from apps.core import clock, queue

TICK_SECONDS: Final = 5.0
WARM_UP_SECONDS: Final = 24 * 3600.0
"""A new policy hears what happened in so long before."""
_RING_SECONDS: Final = 1.0
"""Rings make it look at most this often."""
_WAIT_SECONDS: Final = 0.25
_HOUSE_SECONDS: Final = 60.0
_COLD_STARTS_KEPT_SECONDS: Final = 60.0
_PATIENT_TARGETS: Final = 2.0
"""By how many targets trial and bulk work waits longer while a budget runs low."""


@runtime_checkable
class Plannable(Protocol):
    """A policy that takes the calendar's floors itself."""

    def plan(self, floors: Sequence[Floor]) -> None:
        """Replace the floors."""


def packshot_policy() -> ScalePolicy:
    """Return the product's policy for one worker class."""
    return PackshotScaler(ScalingSettings(target_wait_seconds=settings.TARGET_WAIT_SECONDS))


@dataclass(frozen=True, slots=True)
class _Look:
    """What is the same for all classes at one look."""

    now: datetime
    roster: scale_views.Roster
    budget: BudgetStep
    patience: scale_views.Patience
    doubt: Reason | None


class Autoscaler:
    """Keeps as many workers as demand asks for, class by class.

    Parameters
    ----------
    provider
        The fleet; the one that PACKSHOT_FLEET names unless given.
    make_policy
        Makes the policy of one class.
    """

    name = "autoscaler"

    def __init__(
        self,
        provider: FleetProvider | None = None,
        *,
        make_policy: Callable[[], ScalePolicy] = packshot_policy,
    ) -> None:
        self._provider = provider or build_provider()
        self._make_policy = make_policy
        self._client = queue.connection()
        self._policies: dict[str, ScalePolicy] = {}
        self._told_at: dict[str, float] = {}
        self._reader = HappeningReader()
        self._fleet = FleetMemory(self._provider)
        self._work = WorkSums()
        self._colds: dict[str, tuple[float, ColdStart]] = {}
        self._logged: dict[str, LogMark | None] = {}
        self._redis_at = time.monotonic()
        self._looked_at = -TICK_SECONDS
        self._house_at = 0.0
        self._rang = True

    @property
    def acts(self) -> bool:
        """Whether decisions are carried out; those about a static fleet are only recorded."""
        return self._provider.name != "static"

    def prepare(self) -> None:
        """Hear what happened while another led, or nobody: the last day, if nothing is known."""
        now = clock.now()
        self._work.begin(now)
        self._logged.clear()
        self._looked_at = -TICK_SECONDS
        if self._reader.since is None:
            self._make_room(now - timedelta(seconds=WARM_UP_SECONDS))
        self._hear(now)

    def step(self) -> None:
        """Wait for work to arrive, and look if it is time."""
        self._rang = self._waited_for_arrival() or self._rang
        since = time.monotonic() - self._looked_at
        is_urgent = self._rang and since >= _RING_SECONDS and scale_views.work_waits_unserved()
        if is_urgent or since >= TICK_SECONDS:
            self._rang = False
            self._looked_at = time.monotonic()
            self.look()

    def look(self) -> None:
        """Look at every class once, and act."""
        now = clock.now()
        answers = self._list(now)
        self._hear(now)
        budget = budget_step(scaling.budget_use(now))
        patience = scale_views.NO_PATIENCE
        if budget.level:
            extra = _PATIENT_TARGETS * settings.TARGET_WAIT_SECONDS
            patience = scale_views.trial_patience(extra)
        roster = scale_views.roster(self._fleet.workers, scale_views.held_workers(now))
        look = _Look(now, roster, budget, patience, self._doubt(now, answers=answers))
        here = {roster.class_of(name) for name in roster.names}
        for worker_class in sorted(here | set(self._fleet.worker_classes())):
            self._decide(worker_class, look)
        self._keep_house(now)

    def close(self) -> None:
        """Let go of the fleet; its workers go on."""
        self._provider.close()
        self._client.close()

    def _waited_for_arrival(self) -> bool:
        try:
            rang = queue.wait_for_arrival(self._client, _WAIT_SECONDS)
        except redis.RedisError:
            time.sleep(_WAIT_SECONDS)
            return False
        self._redis_at = time.monotonic()
        return rang

    def _list(self, now: datetime) -> bool:
        """Ask the provider who is there, and make the ledger agree. Return whether it answered."""
        try:
            workers = self._provider.workers()
            names = {worker.worker_class for worker in workers}
            colds = {name: self._cold_start(name) for name in names}
            ended = scaling.reconcile(self._provider, workers, colds, now=now)
            self._fleet.heard([one for one in workers if one.worker not in ended])
        except ProviderUnavailable as error:
            self._fleet.failed(error)
            return False
        return True

    def _hear(self, now: datetime) -> None:
        happenings = self._reader.read(now, back_seconds=WARM_UP_SECONDS)
        for one in happenings:
            # What was committed late is told late: a policy's time never runs backwards.
            at = max(one.at, self._told_at.get(one.worker_class, 0.0))
            self._told_at[one.worker_class] = at
            tell(self._policy(one.worker_class), one, at=at)
        ledger.note_work(self._work.add(happenings))

    def _make_room(self, since: datetime) -> None:
        """Show the policies the largest fleet they may have, before they hear of the last day."""
        for worker_class in self._fleet.worker_classes():
            capacity = self._fleet.capacity(worker_class)
            if capacity is None:
                continue
            cold = self._cold_start(worker_class)
            most = scale_bounds.class_cap(worker_class, capacity).workers
            self._policy(worker_class).decide(
                ClassView(
                    worker_class=worker_class,
                    now=since.timestamp(),
                    queued=(),
                    workers=(),
                    cold_start_p50=cold.p50_seconds,
                    cold_start_p95=cold.p95_seconds,
                    max_workers=most,
                )
            )

    def _policy(self, worker_class: str) -> ScalePolicy:
        if worker_class not in self._policies:
            self._policies[worker_class] = self._make_policy()
        return self._policies[worker_class]

    def _decide(self, worker_class: str, look: _Look) -> None:
        policy, cold = self._policy(worker_class), self._cold_start(worker_class)
        capacity, doubt = self._fleet.capacity(worker_class), look.doubt
        if capacity is None:
            doubt = doubt or Reason("stale", 0, "What the fleet can carry is not known.")
        cap = scale_bounds.cap(worker_class, capacity or 0, look.budget)
        view = scale_views.class_view(
            worker_class, look.roster, cold, max_workers=cap.workers, patience=look.patience
        )
        if doubt is not None:
            self._log(view, frozen(view, doubt.words, doubt.numbers), launched=0, now=look.now)
            return
        floors = scale_bounds.floors(worker_class, cold, look.budget, look.now)
        rest: tuple[Floor, ...] = floors.acted_on
        if isinstance(policy, Plannable):
            policy.plan(floors.acted_on)
            rest = ()
        decided = bounded(
            policy.decide(view),
            view,
            floor=scale_bounds.least(worker_class, rest, view.now),
            cap=cap,
            pause=scaling.launch_pause(worker_class, self._provider.name, look.now),
        )
        dreams = scale_bounds.dreamt(floors.only_recorded, view.now)
        decided = replace(decided, reasons=(*decided.reasons, *dreams))
        launched = self._act(worker_class, decided, look.now) if self.acts else 0
        self._log(view, decided, launched=launched, now=look.now)

    def _act(self, worker_class: str, decided: ScaleDecision, now: datetime) -> int:
        """Carry a decision out. Return how many workers were launched."""
        try:
            if decided.drain:
                scaling.drain(self._provider, decided.drain, now=now)
            if decided.launch:
                engines = scale_bounds.engines(worker_class)
                engine = scale_views.busiest_engine(worker_class, engines)
                return scaling.launch(self._provider, worker_class, engine, decided.launch, now=now)
        except ProviderUnavailable as error:
            self._fleet.failed(error)
        return 0

    def _log(
        self, view: ClassView, decided: ScaleDecision, *, launched: int, now: datetime
    ) -> None:
        """Record a decision that changes something, says something new, or is due as a sign."""
        mark = LogMark.of(decided, now)
        if view.worker_class not in self._logged:
            self._logged[view.worker_class] = LogMark.last(view.worker_class)
        before = self._logged[view.worker_class]
        changes = launched or (decided.drain and self.acts)
        if not changes and before is not None and before.covers(mark):
            return
        scaling.record(view, decided, launched=launched, is_shadow=not self.acts, now=now)
        self._logged[view.worker_class] = mark

    def _cold_start(self, worker_class: str) -> ColdStart:
        kept_at, cold = self._colds.get(worker_class, (0.0, ColdStart(0.0, 0.0)))
        if not kept_at or time.monotonic() - kept_at > _COLD_STARTS_KEPT_SECONDS:
            believed = self._provider.eta(worker_class)
            cold = scale_views.cold_start(worker_class, self._provider.name, believed)
            self._colds[worker_class] = (time.monotonic(), cold)
        return cold

    def _doubt(self, now: datetime, *, answers: bool) -> Reason | None:
        if not answers:
            words = f"The fleet ({self._provider.name}) does not answer: it is left as it is."
            return Reason("stale", 0, words)
        return scale_bounds.doubt(
            {
                "No worker": scale_views.silence_seconds(now),
                "Nothing of Redis": time.monotonic() - self._redis_at,
            }
        )

    def _keep_house(self, now: datetime) -> None:
        if time.monotonic() - self._house_at < _HOUSE_SECONDS and self._house_at:
            return
        # One hour at a time: after a long absence the loop may not stand still.
        if history.count_hours(now, at_most=1) == 0:
            self._house_at = time.monotonic()


def tell(policy: ScalePolicy, happening: Happening, *, at: float) -> None:
    """Tell a policy what happened."""
    match happening.what:
        case "arrived":
            policy.arrived(at, happening.seconds, happening.tenant)
        case "started":
            policy.started(at, happening.seconds)
        case "ended":
            policy.finished(at, happening.seconds)
