"""A Ray cluster as a fleet: a worker on whichever machine has a slot for it."""

from apps.compute.providers.ray_fleet.fleet import RayFleet, build

__all__ = ["RayFleet", "build"]
