"""What the queue tells about renders, taken into the seller's world.

Owns the movement of a render, its files and credit, and the end of a shoot. Every function runs in
compute's transaction and tenant scope, and changes nothing when it is told the same thing twice:
the state that a locked row is found in decides.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from apps.billing.credits import capture, release
from apps.compute.completion import Movement
from apps.core import clock
from apps.events import live
from apps.events import services as events
from apps.events.kinds import Kind
from apps.studio.completion import finished_receivers
from apps.studio.models import Render, Shoot
from apps.studio.states import ENDED, RENDER_MOVES, RenderMove
from apps.tenants.roles import system_actor
from apps.tenants.scope import across_tenants

_REQUEUED = "render.requeued"
_CANCELED = "render.canceled"
"""Hints to open pages only: the log keeps what sellers and platforms care for."""


class StudioReceiver:
    """Compute's receiver for renders; registered at start-up."""

    def lock(self, movements: Sequence[Movement]) -> None:
        """Lock the shoots, before work items as everybody does."""
        groups = {movement.group for movement in movements}
        with across_tenants("reports come from workers that serve all tenants"):
            list(
                Shoot.objects.select_for_update(no_key=True)
                .filter(pk__in=groups)
                .order_by("pk")
                .values_list("pk")
            )

    def started(self, movements: Sequence[Movement]) -> None:
        """Workers have begun."""
        moved = _move(movements, RenderMove.START, started_at=clock.now())
        _tell(moved, Kind.RENDER_STARTED)

    def requeued(self, movements: Sequence[Movement]) -> None:
        """The attempts were lost; the renders wait again."""
        _hint(_move(movements, RenderMove.REQUEUE, started_at=None), _REQUEUED)

    def succeeded(self, movements: Sequence[Movement]) -> None:
        """Keep the files and how they were made, spend the credits, pass the renders on."""
        sources, target = RENDER_MOVES[RenderMove.SUCCEED]
        found = _locked(movements, sources).in_bulk()
        moved = [movement for movement in movements if movement.subject in found]
        if not moved:
            return
        renders = [found[movement.subject] for movement in moved]
        now = clock.now()
        for render, movement in zip(renders, moved, strict=True):
            values = {"state": target, "finished_at": now, **_finding(movement)}
            for name, value in values.items():
                setattr(render, name, value)
            # One by one: each has files of its own, and a CASE over all of them is slower.
            Render.objects.filter(pk=render.pk).update(**values)
        capture(tenant=moved[0].tenant, subjects=[movement.subject for movement in moved])
        _tell(
            moved,
            Kind.RENDER_SUCCEEDED,
            engine=lambda movement: (movement.result or {}).get("engine", ""),
        )
        for receive in finished_receivers():
            receive(renders)
        _finish_shoots(moved)

    def failed(self, movements: Sequence[Movement]) -> None:
        """Keep the reasons and give the credits back."""
        now = clock.now()
        moved = [
            movement
            for each in movements
            for movement in _move(
                [each],
                RenderMove.FAIL,
                finished_at=now,
                failure_code=each.failure_code[:60],
                failure_detail=each.failure_detail[:500],
            )
        ]
        if not moved:
            return
        release(tenant=moved[0].tenant, subjects=[movement.subject for movement in moved])
        _tell(moved, Kind.RENDER_FAILED, code=lambda movement: movement.failure_code[:60])
        _finish_shoots(moved)

    def canceled(self, movements: Sequence[Movement]) -> None:
        """Give the credits back."""
        moved = _move(movements, RenderMove.CANCEL, finished_at=clock.now())
        if not moved:
            return
        release(tenant=moved[0].tenant, subjects=[movement.subject for movement in moved])
        # A shoot that is canceled as a whole is hinted once, not thousands of times.
        whole = set(
            Shoot.objects.filter(
                pk__in={movement.group for movement in moved}, state=Shoot.State.CANCELED
            ).values_list("pk", flat=True)
        )
        single = [movement for movement in moved if movement.group not in whole]
        _hint(single, _CANCELED)
        _finish_shoots(single)


def _locked(movements: Sequence[Movement], states: Collection[str]) -> QuerySet[Render]:
    """Return the renders that stand in a state, locked while they are looked at."""
    subjects = [movement.subject for movement in movements]
    rows: QuerySet[Render] = (
        Render.objects.select_for_update().filter(pk__in=subjects, state__in=states).order_by("pk")
    )
    return rows


def _move(movements: Sequence[Movement], move: RenderMove, **values: Any) -> list[Movement]:
    """Move the renders that stand where the movement starts from. Return what moved."""
    sources, target = RENDER_MOVES[move]
    ready = set(_locked(movements, sources).values_list("pk", flat=True))
    if ready:
        Render.objects.filter(pk__in=ready).update(state=target, **values)
    return [movement for movement in movements if movement.subject in ready]


def _finding(movement: Movement) -> dict[str, Any]:
    result = movement.result or {}
    return {
        "files": result.get("files", []),
        "engine": result.get("engine", "")[:40],
        "confidence": result.get("confidence"),
        "fidelity": result.get("fidelity", {}),
        "provenance": {
            "versions": result.get("versions", {}),
            "step_seconds": result.get("step_seconds", {}),
            "seconds": result.get("seconds"),
            "attempt": movement.attempt,
            "worker": movement.worker,
        },
    }


def _finish_shoots(movements: Sequence[Movement]) -> None:
    # The shoots' rows are locked by now: two last renders that end at once do not both see the
    # other one still open.
    groups = {movement.group for movement in movements}
    waiting = Render.objects.filter(shoot_id=OuterRef("pk")).exclude(state__in=ENDED)
    ended = list(
        Shoot.objects.filter(~Exists(waiting), pk__in=groups, state=Shoot.State.RENDERING)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    if not ended:
        return
    Shoot.objects.filter(pk__in=ended).update(state=Shoot.State.FINISHED, finished_at=clock.now())
    events.record_each(
        actor=system_actor(movements[0].tenant, "relay"),
        kind=Kind.SHOOT_FINISHED,
        facts=[(shoot, {}) for shoot in ended],
    )


def _tell(movements: Sequence[Movement], kind: Kind, **more: Callable[[Movement], Any]) -> None:
    if movements:
        events.record_each(
            actor=system_actor(movements[0].tenant, "relay"),
            kind=kind,
            facts=[
                (
                    movement.subject,
                    {
                        "shoot": movement.group,
                        **{name: value(movement) for name, value in more.items()},
                    },
                )
                for movement in movements
            ],
        )


def _hint(movements: Sequence[Movement], kind: str) -> None:
    if movements:
        live.poke_on_commit(
            movements[0].tenant,
            kind,
            [(movement.subject, {"shoot": movement.group}) for movement in movements],
        )
