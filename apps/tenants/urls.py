"""Addresses of the tenants app."""

from django.urls import path

from apps.tenants import views

app_name = "tenants"
urlpatterns = [
    path("", views.home, name="home"),
    path("workspaces/", views.workspaces, name="workspaces"),
    path("w/<slug:slug>/settings/", views.settings, name="settings"),
]
