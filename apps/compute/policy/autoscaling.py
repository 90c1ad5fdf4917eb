"""How many workers there should be, so that promises are kept at the lowest price. Pure.

The n-th worker is worth its price while the promises that only it keeps, per second, times the
value of a promise in worker-seconds, exceed one. How many promises it keeps is read off shadow
fleets (`policy.replay`); the value of a promise is learned: it rises with each broken promise and
falls with each kept one, until the promised share is met and no more is paid than that takes.
Three quicker parts look at what is here now: the surge that the ready workers cannot absorb, the
backlog that a fresh worker would still shorten, and, before anything is known, one worker for two
items. Calendar floors are added by `plan`. The largest answer wins, within the caps.

Scale-in only drains idle workers, the longest idle first, never one that is starting or held.
Times are seconds. How it compares with other scalers: ``manage.py simulate``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from apps.compute.policy.fleet import ClassView, Reason, ScaleDecision, WorkerView
from apps.compute.policy.replay import NeedRates, ShadowFleets

LEARNED_ARRIVALS: Final = 50
"""Before so many arrivals the cautious rule of the start holds as well."""
_SIZES_REMEMBERED: Final = 200.0
_LOAD_SCALE_SECONDS: Final = 128.0
_QUIET_LOOK_SECONDS: Final = 15.0
_SLOT_SECONDS: Final = 1800.0


@dataclass(frozen=True, slots=True)
class ScalingSettings:
    """What is promised, and the one configuration that was found on the tuning traces."""

    target_wait_seconds: float = 30.0
    promised_share: float = 0.98
    """Share of the work that begins within the target."""
    margin: float = 0.15
    """Part of the allowed lateness that is kept in reserve."""
    start_value: float = 330.0
    """Worker-seconds that one kept promise is worth before anything is learned."""
    value_gain: float = 0.022
    """How fast the value follows: the step of its logarithm for a broken promise."""
    least_value: float = 10.0
    most_value: float = 27_000.0
    weights: tuple[float, ...] = (0.27, 0.78, 0.24, 0.046, 0.042, 0.026)
    """What each of `replay.TIME_SCALES` says about the next minutes."""
    weight_of_day: float = 0.11
    dwell_seconds: float = 30.0
    """A launch must pay for its cold start within this time."""
    absorbed_seconds: float = 25.6
    """Of waiting work that each worker takes in without a broken promise."""
    surge_seconds: float = 34.0
    """In which what cannot be absorbed is worked off."""
    backlog_starts: float = 1.14
    """A backlog that lasts longer than so many cold starts gets further workers."""


@dataclass(frozen=True, slots=True)
class Floor:
    """Workers that are wanted at least, for a time: a planned demand period or a forecast."""

    starts_at: float
    """When the launches begin: whoever plans adds the cold start, see `policy.calendar`."""
    ends_at: float
    workers: int
    words: str
    part: str = "calendar"


class PackshotScaler:
    """The product's scaling policy: a `ScalePolicy` for one worker class.

    Deterministic; the same calls in the same order give the same answers.
    """

    on_arrival = True
    tick_seconds = 5.0

    def __init__(self, settings: ScalingSettings | None = None) -> None:
        self._settings = settings or ScalingSettings()
        self._fleets = ShadowFleets(1, self._settings.target_wait_seconds)
        self._rates = NeedRates(1, self._settings.weights, self._settings.weight_of_day)
        self._log_value = math.log(self._settings.start_value)
        self._arrivals = 0
        self._load = _Load()
        self._believed = _Mean()
        self._true = _Mean()
        self._floors: tuple[Floor, ...] = ()
        self._is_capped = False

    @property
    def value(self) -> float:
        """Worker-seconds that one kept promise is worth now."""
        return math.exp(self._log_value)

    def plan(self, floors: Sequence[Floor]) -> None:
        """Replace the floors of the calendar and of forecasts."""
        self._floors = tuple(sorted(floors, key=lambda floor: (floor.starts_at, floor.words)))

    def arrived(self, at: float, seconds: float, tenant: str) -> None:
        """Note an accepted work item and its estimated p50 service time."""
        self._arrivals += 1
        self._believed.add(seconds)
        seconds *= self._correction()
        self._load.add(at, seconds)
        self._rates.note(at, self._fleets.need(at, seconds))

    def started(self, at: float, wait: float) -> None:
        """Note that a worker began an item: a promise was kept or broken."""
        settings = self._settings
        allowed = (1.0 - settings.promised_share) * (1.0 - settings.margin)
        late = 1.0 if wait > settings.target_wait_seconds else 0.0
        if late and self._is_capped:
            # No value would have bought another worker.
            return
        moved = self._log_value + settings.value_gain * (late - allowed)
        self._log_value = min(
            max(moved, math.log(settings.least_value)), math.log(settings.most_value)
        )

    def finished(self, at: float, seconds: float) -> None:
        """Note a completion and its true service time."""
        self._true.add(seconds)

    def decide(self, view: ClassView) -> ScaleDecision:
        """Say how many workers there should be, and why."""
        self._make_room(view.max_workers)
        staying = [worker for worker in view.workers if worker.state != "draining"]
        reasons = [self._economy(view, len(staying))]
        if view.queued:
            reasons += [self._surge(view, staying), self._backlog(view, staying)]
        if self._arrivals < LEARNED_ARRIVALS:
            reasons.append(_cautious(view, staying))
        reasons += self._planned(view.now)
        wanted = max(reason.workers for reason in reasons)
        if wanted > view.max_workers:
            reasons.append(Reason("cap", view.max_workers, f"At most {view.max_workers} may run."))
        target = min(wanted, view.max_workers)
        self._is_capped = wanted >= view.max_workers
        victims = _victims(staying, len(staying) - target)
        return ScaleDecision(
            target=target,
            launch=max(0, target - len(staying)),
            drain=victims,
            reasons=tuple(reasons),
            look_again_at=self._look_again_at(view, staying),
        )

    def _make_room(self, largest: int) -> None:
        if largest > self._fleets.largest:
            self._fleets.grow(largest)
            self._rates.grow(largest)

    def _correction(self) -> float:
        """Return how much longer work takes than was believed; a median is below a mean."""
        if self._true.count < LEARNED_ARRIVALS:
            return 1.0
        return min(2.0, max(0.5, self._true.value / self._believed.value))

    def _economy(self, view: ClassView, staying: int) -> Reason:
        """Weigh each worker's price against the promises that only it keeps."""
        rates = self._rates.rates(view.now)[: view.max_workers]
        value = self.value
        gains = [0.0]
        for rate in rates:
            gains.append(gains[-1] + value * rate - 1.0)
        keep = max(range(len(gains)), key=lambda workers: (gains[workers], workers))
        if keep > staying:
            # A launch costs its cold start as well, and has to earn it while it is here.
            entry = view.cold_start_p50 / self._settings.dwell_seconds
            keep = max(
                range(staying, len(gains)),
                key=lambda workers: (gains[workers] - (workers - staying) * entry, workers),
            )
        kept = sum(rates[:keep]) * 3600.0
        words = (
            f"{keep} workers keep {kept:.1f} promises an hour; "
            f"one is worth {value:.0f} worker-seconds."
        )
        return Reason("replay", keep, words, {"value_seconds": value, "kept_per_hour": kept})

    def _surge(self, view: ClassView, staying: Sequence[WorkerView]) -> Reason:
        """Foresee what will wait when a worker launched now is ready, if work keeps arriving."""
        settings, horizon = self._settings, view.cold_start_p50
        load = self._load.erlangs(view.now)
        waiting = self._waiting_seconds(view)
        ready = sum(
            max(0.0, horizon - (worker.free_at - view.now))
            if worker.state == "starting"
            else horizon
            for worker in staying
        )
        behind = waiting + load * horizon - ready
        over = behind - len(staying) * settings.absorbed_seconds
        workers = math.ceil(load + over / settings.surge_seconds) if over > 0 else 0
        words = f"{max(behind, 0.0):.0f} s of work will wait when a fresh worker is ready."
        return Reason("surge", workers, words, {"load": load, "behind_seconds": behind})

    def _backlog(self, view: ClassView, staying: Sequence[WorkerView]) -> Reason:
        """Add workers while a fresh one would still shorten what waits now."""
        cold = view.cold_start_p50
        free = sorted(max(0.0, worker.free_at - view.now) for worker in staying)
        waiting = self._waiting_seconds(view)
        more = 0
        while len(free) < view.max_workers:
            drained = _drained_after(free, waiting)
            if drained <= cold * self._settings.backlog_starts:
                break
            more += 1
            free.append(cold)
            free.sort()
        drained = _drained_after(free, waiting)
        words = f"What waits now is begun within {drained:.0f} s."
        workers = len(staying) + more if more else 0
        return Reason("backlog", workers, words, {"waiting_seconds": waiting})

    def _planned(self, now: float) -> list[Reason]:
        """Return the floors in force."""
        return [
            Reason(floor.part, floor.workers, floor.words)
            for floor in self._floors
            if floor.starts_at <= now < floor.ends_at
        ]

    def _waiting_seconds(self, view: ClassView) -> float:
        return sum([item.p50_seconds for item in view.queued]) * self._correction()

    def _look_again_at(self, view: ClassView, staying: Sequence[WorkerView]) -> float:
        """Nothing but time passing can change the answer before this."""
        if view.queued:
            return 0.0
        instants = [
            instant
            for floor in self._floors
            for instant in (floor.starts_at, floor.ends_at)
            if instant > view.now
        ]
        quiet = _QUIET_LOOK_SECONDS if staying else _SLOT_SECONDS
        return min([view.now + quiet, *instants])


class _Load:
    """Offered load in erlangs, over the last two minutes."""

    def __init__(self) -> None:
        self._sum = 0.0
        self._at = 0.0
        self._began: float | None = None

    def add(self, at: float, seconds: float) -> None:
        if self._began is None:
            self._began = self._at = at
        self._sum = self._sum * math.exp((self._at - at) / _LOAD_SCALE_SECONDS) + seconds
        self._at = at

    def erlangs(self, now: float) -> float:
        if self._began is None:
            return 0.0
        decayed = self._sum * math.exp((self._at - now) / _LOAD_SCALE_SECONDS)
        # The first items come with the clock: ten seconds more keep them from making a rate.
        age = now - self._began + 10.0
        return decayed / _LOAD_SCALE_SECONDS / (1.0 - math.exp(-age / _LOAD_SCALE_SECONDS))


class _Mean:
    """A mean that forgets slowly."""

    def __init__(self) -> None:
        self.count = 0
        self.value = 0.0

    def add(self, seconds: float) -> None:
        self.count += 1
        self.value += (seconds - self.value) / min(self.count, _SIZES_REMEMBERED)


def _cautious(view: ClassView, staying: Sequence[WorkerView]) -> Reason:
    """Return the plain rule that needs no knowledge: one worker for two items, and a spare."""
    items = len(view.queued) + sum(worker.state == "busy" for worker in staying)
    workers = max(len(staying), math.ceil(items / 2) + 1) if items else 0
    return Reason("start", workers, f"Little is known yet: one worker for two of {items} items.")


def _drained_after(free: Sequence[float], waiting: float) -> float:
    """Return when work is worked off by workers that are free at these times, sorted."""
    if not free:
        return math.inf
    drained = 0.0
    for count, instant in enumerate(free, start=1):
        following = free[count] if count < len(free) else math.inf
        needed = instant + waiting / count
        if needed <= following:
            return needed
        waiting -= (following - instant) * count
        drained = following
    return drained


def _victims(staying: Sequence[WorkerView], surplus: int) -> tuple[str, ...]:
    """Return the idle workers to drain, the longest idle first."""
    if surplus <= 0:
        return ()
    idle = [worker for worker in staying if worker.state == "idle" and not worker.is_held]
    idle.sort(key=lambda worker: (worker.since, worker.worker))
    return tuple(worker.worker for worker in idle[:surplus])
