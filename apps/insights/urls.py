"""Addresses of the insights app, inside a workspace."""

from django.urls import path

from apps.insights import views

app_name = "insights"
urlpatterns = [
    path("", views.home, name="home"),
    path("now/", views.now, name="now"),
]
