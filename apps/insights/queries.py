"""What the first page of a workspace shows. Every number is counted, none is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from apps.accounts.models import User
from apps.billing.models import CreditAccount
from apps.catalog.models import SourcePhoto
from apps.compute import queries as compute
from apps.compute.models import WorkItem
from apps.core import clock
from apps.events.kinds import Kind
from apps.events.models import Event
from apps.insights import activity
from apps.insights.activity import Happening, Line
from apps.review import queries as review
from apps.review.models import Verdict
from apps.studio.models import Render, Shoot
from apps.studio.queries.progress import Progress, progress_of

_SHOOTS_SHOWN = 5
_LINES_SHOWN = 10
_EVENTS_READ = 200
_DELIVERIES = (Kind.EXPORT_REQUESTED, Kind.API_KEY_CREATED)


@dataclass(frozen=True, slots=True)
class Guide:
    """The four first steps; each is done when its trace is in the database."""

    photos: bool
    shoot: bool
    review: bool
    delivery: bool

    @property
    def done(self) -> int:
        """How many of the four."""
        return sum((self.photos, self.shoot, self.review, self.delivery))

    @property
    def is_complete(self) -> bool:
        """Whether the guide has served its purpose."""
        return self.done == 4

    @property
    def current(self) -> str:
        """The first step that is not done; empty if none."""
        for name in ("photos", "shoot", "review", "delivery"):
            if not getattr(self, name):
                return name
        return ""


@dataclass(frozen=True, slots=True)
class RunningShoot:
    """A shoot that is being made."""

    shoot: Shoot
    progress: Progress


@dataclass(frozen=True, slots=True)
class Now:
    """How the workspace stands at this moment."""

    finished_today: int
    failed_today: int
    waiting_for_review: int
    queued: int
    rendering: int
    workers: int
    """Alive, of the whole fleet."""
    credits_left: int
    credits_reserved: int
    plan_name: str
    monthly_credits: int
    running: tuple[RunningShoot, ...]

    @property
    def is_stuck(self) -> bool:
        """Whether work waits and nobody is there to do it."""
        return self.workers == 0 and self.queued + self.rendering > 0

    @property
    def is_low(self) -> bool:
        """Whether less than a fifth of the plan's credits is left."""
        return self.credits_left * 5 < self.monthly_credits


@dataclass(frozen=True, slots=True)
class HomePage:
    """The first page of a workspace."""

    guide: Guide
    now: Now
    lines: tuple[Line, ...]


def home_page() -> HomePage:
    """Return the whole page for the open tenant. The number of queries is constant."""
    return HomePage(guide=guide(), now=standing_now(), lines=tuple(recent_lines()))


def guide() -> Guide:
    """Return which of the first steps have been taken."""
    return Guide(
        photos=SourcePhoto.objects.exists(),
        shoot=Shoot.objects.exists(),
        review=Verdict.objects.exists(),
        # By what was recorded, not by its rows: integrations stands beside this app.
        delivery=Event.objects.filter(kind__in=_DELIVERIES).exists(),
    )


def standing_now() -> Now:
    """Return the numbers of today (UTC) and the shoots in the making, newest first."""
    today = _midnight(clock.now())
    renders = Render.objects.filter(finished_at__gte=today).aggregate(
        finished=Count("id", filter=Q(state=Render.State.SUCCEEDED)),
        failed=Count("id", filter=Q(state=Render.State.FAILED)),
    )
    work = WorkItem.objects.filter(state__in=WorkItem.OPEN).aggregate(
        queued=Count("id", filter=Q(state=WorkItem.State.QUEUED)),
        rendering=Count("id", filter=Q(state__in=WorkItem.IN_FLIGHT)),
    )
    account = CreditAccount.objects.get()
    shoots = Shoot.objects.filter(state=Shoot.State.RENDERING).order_by("-ordered_at")
    running = list(shoots[:_SHOOTS_SHOWN])
    progress = progress_of([shoot.pk for shoot in running])
    return Now(
        finished_today=renders["finished"],
        failed_today=renders["failed"],
        waiting_for_review=review.pending_count(),
        queued=work["queued"],
        rendering=work["rendering"],
        workers=compute.fleet().alive,
        credits_left=account.available,
        credits_reserved=account.reserved,
        plan_name=account.plan.name,
        monthly_credits=account.plan.monthly_credits,
        running=tuple(RunningShoot(shoot, progress[shoot.pk]) for shoot in running),
    )


def recent_lines() -> list[Line]:
    """Return the latest activity, folded, newest first. Two queries."""
    events = list(
        Event.objects.filter(kind__in=activity.KINDS).order_by("-created_at", "-id")[:_EVENTS_READ]
    )
    members = {event.actor_subject for event in events if event.actor_kind == "member"}
    names = {
        str(user.pk): user.get_full_name() for user in User.objects.filter(pk__in=sorted(members))
    }
    return activity.fold((_happening(event, names) for event in events), lines=_LINES_SHOWN)


def _happening(event: Event, names: dict[str, str]) -> Happening:
    if event.actor_kind == "system":
        who = "Packshot"
    elif event.actor_kind == "member":
        who = names.get(event.actor_subject, event.actor_label)
    else:
        who = event.actor_label
    return Happening(
        kind=event.kind, who=who, subject=event.subject, data=event.data, at=event.created_at
    )


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
