"""Every address, by app. Workspace pages live under ``/w/<workspace>/``."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

WORKSPACE = "w/<slug:slug>/"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("apps.tenants.urls")),
    path("", include("apps.accounts.urls")),
    path(WORKSPACE, include("apps.insights.urls")),
    path("accounts/", include("allauth.urls")),
]
