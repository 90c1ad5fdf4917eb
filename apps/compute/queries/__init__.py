"""What others may know about the backlog, the fleet and its speed."""

from apps.compute.queries.backlog import (
    ClassFleet,
    Fleet,
    Promise,
    QueueWait,
    Standing,
    conductor_leads,
    fleet,
    forecasts,
    promise,
    queue_wait,
    standing,
)

__all__ = [
    "ClassFleet",
    "Fleet",
    "Promise",
    "QueueWait",
    "Standing",
    "conductor_leads",
    "fleet",
    "forecasts",
    "promise",
    "queue_wait",
    "standing",
]
