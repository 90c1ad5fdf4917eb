"""The backlog, the fleet, what both have learned, and what they cost."""

from apps.compute.models.backlog import FairShare, WorkItem
from apps.compute.models.fleet import LoopLease, PromiseRecord, ServiceTime, Worker
from apps.compute.models.planning import DemandHour, DemandPeriod, ScaleDecision, WorkerLife

__all__ = [
    "DemandHour",
    "DemandPeriod",
    "FairShare",
    "LoopLease",
    "PromiseRecord",
    "ScaleDecision",
    "ServiceTime",
    "WorkItem",
    "Worker",
    "WorkerLife",
]
