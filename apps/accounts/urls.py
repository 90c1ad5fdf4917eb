"""Addresses of the accounts app: one's own account, invitations, and a workspace's members."""

from django.urls import path

from apps.accounts import views

app_name = "accounts"
urlpatterns = [
    path("accounts/theme/", views.theme, name="theme"),
    path("w/<slug:slug>/switcher/", views.switcher, name="switcher"),
]
