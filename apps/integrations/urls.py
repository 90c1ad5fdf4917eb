"""Addresses of the integrations app inside a workspace."""

from django.urls import path

from apps.integrations import views

app_name = "integrations"
urlpatterns = [
    path("exports/", views.exports, name="exports"),
    path("exports/new/", views.new_export, name="new-export"),
    path("exports/<str:export_id>/row/", views.export_row, name="export-row"),
    path("exports/<str:export_id>/download/", views.download_export, name="download-export"),
    path(
        "renders/<str:render_id>/download/<slug:sales_channel>/",
        views.download_render,
        name="download-render",
    ),
    path("settings/api-keys/", views.api_keys, name="api-keys"),
    path("settings/api-keys/new/", views.new_api_key, name="new-api-key"),
    path("settings/api-keys/<str:api_key_id>/revoke/", views.end_api_key, name="end-api-key"),
]
