"""Addresses of signed files, outside any workspace page."""

from django.urls import path

from apps.integrations import views

app_name = "files"
urlpatterns = [path("<str:token>", views.linked_file, name="download")]
