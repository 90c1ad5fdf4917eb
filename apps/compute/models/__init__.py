"""The backlog, the fleet and what both have learned."""

from apps.compute.models.backlog import FairShare, WorkItem
from apps.compute.models.fleet import LoopLease, ServiceTime, Worker

__all__ = ["FairShare", "LoopLease", "ServiceTime", "WorkItem", "Worker"]
