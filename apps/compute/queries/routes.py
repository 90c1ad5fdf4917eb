"""Which engine and class of workers new work goes to, by what it was measured to cost there.

Owns what `policy.routing` is told; an engine that runs on one class costs no query.
"""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.db.models import Count

from apps.compute import snapshots, wire
from apps.compute.models import Worker, WorkerLife
from apps.compute.policy.routing import ClassOffer, rank, route

BUILT_IN: Final = "classical"
"""The engine that every worker has."""


def engine_for(kind: str) -> str:
    """Return the engine that a kind of picture is made by now.

    A network's, where a worker serves it or can be launched; else the built-in one, whose worker
    draws or refuses what it cannot paint, and says so on the render.
    """
    wanted = wire.KINDS[kind].engine
    if wanted == BUILT_IN:
        return BUILT_IN
    parts = (wire.parts_of_lane(name) for name in settings.RQ_QUEUES)
    launchable = any(_launchable(part[0]) for part in parts if part and part[1] == wanted)
    serving = Worker.objects.exclude(state=Worker.State.GONE).filter(engine=wanted)
    return wanted if launchable or serving.exists() else BUILT_IN


def class_for(*, engine: str, kind: str, units: float, steps: int = 0, takes: int = 1) -> str:
    """Return the worker class for a render.

    Parameters
    ----------
    units
        Cost units of the render: megapixels of its outputs.

    Returns
    -------
    The cheapest class it is not too long for; where none has or can get a worker, the smallest
    that runs the engine, so that it waits there until one comes.

    Raises
    ------
    LookupError
        If no class runs the engine.
    """
    parts = (wire.parts_of_lane(name) for name in settings.RQ_QUEUES)
    classes = sorted((part[0] for part in parts if part and part[1] == engine), key=rank)
    if not classes:
        raise LookupError(f"no lane runs the engine {engine}")
    if len(classes) == 1:
        return classes[0]
    estimates = snapshots.Estimates()
    alive = dict(
        Worker.objects.exclude(state=Worker.State.GONE)
        .filter(engine=engine)
        .values_list("worker_class")
        .annotate(workers=Count("name"))
    )
    offers = [
        ClassOffer(
            worker_class=name,
            p50_seconds=estimates.of(
                kind=kind, engine=engine, worker_class=name, units=units, steps=steps, takes=takes
            ).p50,
            price_per_hour=_price(name),
            workers=alive.get(name, 0) or _launchable(name),
        )
        for name in classes
    ]
    return route(offers).worker_class or classes[0]


def _price(worker_class: str) -> float:
    """Return what a worker of the class cost last, by the hour; 0 where it costs nothing."""
    price = (
        WorkerLife.objects.filter(worker_class=worker_class)
        .order_by("-launched_at")
        .values_list("price_minor_per_hour", flat=True)
        .first()
    )
    return price or 0.0


def _launchable(worker_class: str) -> int:
    """Return how many workers the fleet may launch; a class nobody has set a cap for has none."""
    return 0 if settings.FLEET == "static" else settings.MAX_WORKERS.get(worker_class, 0)
