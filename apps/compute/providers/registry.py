"""Which module runs which fleet.

A provider is imported only where it is chosen: the libraries of Ray and Kubernetes are extras.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final, cast

from django.conf import settings

from apps.compute.providers.base import FleetProvider

_MODULES: Final = {
    "static": "apps.compute.providers.static",
    "local": "apps.compute.providers.local",
    "ray": "apps.compute.providers.ray_fleet",
    "kubernetes": "apps.compute.providers.kubernetes",
}


def build_provider(name: str = "") -> FleetProvider:
    """Return the provider that PACKSHOT_FLEET names, or the one asked for.

    Raises
    ------
    ImproperlyConfigured
        If its library is missing or its settings cannot be used; the message names the cure.
    """
    module = import_module(_MODULES[name or settings.FLEET])
    return cast("FleetProvider", module.build())
