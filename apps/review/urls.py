"""Addresses of the review app, below a workspace."""

from django.urls import path

from apps.review import views

app_name = "review"
urlpatterns = [
    path("review/", views.queue, name="queue"),
    path("review/strip", views.strip, name="strip"),
    path("review/badge", views.badge, name="badge"),
    path("review/bulk-approve", views.bulk_approve, name="bulk-approve"),
    path("review/<str:render_id>/", views.item, name="item"),
    path("review/<str:render_id>/verdict", views.verdict, name="verdict"),
    path("review/<str:render_id>/undo", views.undo, name="undo"),
]
