"""Pages of compute: a workspace's lane, its demand calendar and planner, and the fleet."""

from apps.compute.views.engine_models import engine_models
from apps.compute.views.fleet import fleet, fleet_state, what_if
from apps.compute.views.operations import lane, operations
from apps.compute.views.planner import planner
from apps.compute.views.planning import (
    cancel_demand,
    demand,
    demand_effect,
    demand_period,
    plan_demand,
)

__all__ = [
    "cancel_demand",
    "demand",
    "demand_effect",
    "demand_period",
    "engine_models",
    "fleet",
    "fleet_state",
    "lane",
    "operations",
    "plan_demand",
    "planner",
    "what_if",
]
