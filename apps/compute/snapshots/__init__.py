"""Reading the database into the frozen values that policy decides on.

Owns every query behind a decision or forecast. Decides nothing and writes nothing. Instants are
seconds since the epoch.
"""

from apps.compute.snapshots.estimates import Estimates
from apps.compute.snapshots.mirror import Mirror
from apps.compute.snapshots.rows import lane_fleets
from apps.compute.snapshots.whole import whole_snapshot, with_thought

__all__ = ["Estimates", "Mirror", "lane_fleets", "whole_snapshot", "with_thought"]
