"""Views and reasons of scaling decisions as JSON values, and back. Pure.

The log holds what a decision was made on, so that it can be made again: what is written here is
read back bit for bit, since JSON keeps Python's floats.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from apps.compute.policy.fleet import ClassView, QueuedView, Reason, WorkerView


def view_values(view: ClassView) -> dict[str, Any]:
    """Return a view as JSON values; queued work and workers as rows, because there are many."""
    return {
        "worker_class": view.worker_class,
        "now": view.now,
        "queued": [[one.waits_since, one.p50_seconds] for one in view.queued],
        "workers": [
            [one.worker, one.state, one.since, one.free_at, one.is_held] for one in view.workers
        ],
        "cold_start_p50": view.cold_start_p50,
        "cold_start_p95": view.cold_start_p95,
        "max_workers": view.max_workers,
    }


def view_of(values: Mapping[str, Any]) -> ClassView:
    """Return the view that `view_values` wrote.

    Raises
    ------
    KeyError, TypeError
        If it was written by another version.
    """
    return ClassView(
        worker_class=values["worker_class"],
        now=values["now"],
        queued=tuple(QueuedView(*row) for row in values["queued"]),
        workers=tuple(WorkerView(*row) for row in values["workers"]),
        cold_start_p50=values["cold_start_p50"],
        cold_start_p95=values["cold_start_p95"],
        max_workers=values["max_workers"],
    )


def reason_values(reasons: Iterable[Reason]) -> list[dict[str, Any]]:
    """Return reasons as JSON values."""
    return [
        {
            "part": reason.part,
            "workers": reason.workers,
            "words": reason.words,
            "numbers": dict(reason.numbers),
        }
        for reason in reasons
    ]


def reasons_of(values: Iterable[Mapping[str, Any]]) -> tuple[Reason, ...]:
    """Return the reasons that `reason_values` wrote."""
    return tuple(
        Reason(one["part"], one["workers"], one["words"], dict(one["numbers"])) for one in values
    )
