"""Kubernetes as a fleet; the only door to its official client."""

from apps.compute.providers.kubernetes.fleet import KubernetesFleet, build

__all__ = ["KubernetesFleet", "build"]
