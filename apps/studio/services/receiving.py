"""What the queue tells about renders, taken into the seller's world.

Owns the movement of a render, its files and credit, and the end of a shoot. Every function runs in
compute's transaction and tenant scope, and changes nothing when it is told the same thing twice:
the conditional update decides who came first.
"""

from __future__ import annotations

from typing import Any

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

_REQUEUED = "render.requeued"
_CANCELED = "render.canceled"
"""Hints to open pages only: the log keeps what sellers and platforms care for."""


class StudioReceiver:
    """Compute's receiver for renders; registered at start-up."""

    def started(self, movement: Movement) -> None:
        """A worker has begun."""
        now = clock.now()
        if _move(movement, RenderMove.START, started_at=now):
            _tell(movement, Kind.RENDER_STARTED)

    def requeued(self, movement: Movement) -> None:
        """The attempt was lost; the render waits again."""
        if _move(movement, RenderMove.REQUEUE, started_at=None):
            live.poke_on_commit(movement.tenant, _REQUEUED, movement.subject, shoot=movement.group)

    def succeeded(self, movement: Movement) -> None:
        """Keep the files and how they were made, spend the credit, pass the render on."""
        Shoot.objects.select_for_update(no_key=True).filter(pk=movement.group).first()
        result = movement.result or {}
        if not _move(
            movement, RenderMove.SUCCEED, finished_at=clock.now(), **_finding(movement, result)
        ):
            return
        capture(tenant=movement.tenant, subject=movement.subject)
        _tell(movement, Kind.RENDER_SUCCEEDED, engine=result.get("engine", ""))
        render = Render.objects.get(pk=movement.subject)
        for receive in finished_receivers():
            receive(render)
        _finish_shoot(movement)

    def failed(self, movement: Movement) -> None:
        """Keep the reason and give the credit back."""
        Shoot.objects.select_for_update(no_key=True).filter(pk=movement.group).first()
        if not _move(
            movement,
            RenderMove.FAIL,
            finished_at=clock.now(),
            failure_code=movement.failure_code[:60],
            failure_detail=movement.failure_detail[:500],
        ):
            return
        release(tenant=movement.tenant, subject=movement.subject)
        _tell(movement, Kind.RENDER_FAILED, code=movement.failure_code[:60])
        _finish_shoot(movement)

    def canceled(self, movement: Movement) -> None:
        """Give the credit back."""
        shoot = Shoot.objects.select_for_update(no_key=True).filter(pk=movement.group).first()
        if not _move(movement, RenderMove.CANCEL, finished_at=clock.now()):
            return
        release(tenant=movement.tenant, subject=movement.subject)
        # A shoot that is canceled as a whole is hinted once, not thousands of times.
        if shoot is not None and shoot.state != Shoot.State.CANCELED:
            live.poke_on_commit(movement.tenant, _CANCELED, movement.subject, shoot=movement.group)
            _finish_shoot(movement)


def _move(movement: Movement, move: RenderMove, **values: Any) -> bool:
    """Move the render if it stands where the movement starts from."""
    sources, target = RENDER_MOVES[move]
    moved = Render.objects.filter(pk=movement.subject, state__in=sources).update(
        state=target, **values
    )
    return bool(moved)


def _finding(movement: Movement, result: dict[str, Any]) -> dict[str, Any]:
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


def _finish_shoot(movement: Movement) -> None:
    # The shoot's row is locked by now: two last renders that end at once do not both see the
    # other one still open.
    open_renders = Render.objects.filter(shoot_id=movement.group).exclude(state__in=ENDED)
    if open_renders.exists():
        return
    finished = Shoot.objects.filter(pk=movement.group, state=Shoot.State.RENDERING).update(
        state=Shoot.State.FINISHED, finished_at=clock.now()
    )
    if finished:
        events.record(
            actor=system_actor(movement.tenant, "relay"),
            kind=Kind.SHOOT_FINISHED,
            subject=movement.group,
        )


def _tell(movement: Movement, kind: Kind, **data: Any) -> None:
    events.record(
        actor=system_actor(movement.tenant, "relay"),
        kind=kind,
        subject=movement.subject,
        shoot=movement.group,
        **data,
    )
