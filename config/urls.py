"""Every address, by app. Workspace pages live under ``/w/<workspace>/``."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from apps.insights.health import healthz
from apps.insights.metrics import desired, metrics
from apps.integrations.api.app import api

WORKSPACE = "w/<slug:slug>/"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("apps.tenants.urls")),
    path("", include("apps.accounts.urls")),
    path("", include("apps.compute.urls")),
    path(WORKSPACE, include("apps.catalog.urls")),
    path(WORKSPACE, include("apps.insights.urls")),
    path(WORKSPACE, include("apps.studio.urls")),
    path(WORKSPACE, include("apps.review.urls")),
    path(WORKSPACE, include("apps.integrations.urls")),
    path("accounts/", include("allauth.urls")),
    path("files/", include("apps.integrations.file_urls")),
    path("v1/", api.urls),
    path("healthz", healthz, name="healthz"),
    path("metrics", metrics, name="metrics"),
    path("metrics/desired/<str:worker_class>", desired, name="desired-workers"),
]
