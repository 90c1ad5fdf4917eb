"""Addresses of the studio app, below a workspace."""

from django.urls import path

from apps.studio import views

app_name = "studio"
urlpatterns = [
    path("shoots/", views.shoots, name="shoots"),
    path("shoots/new", views.new_shoot, name="new-shoot"),
    path("shoots/quote", views.quote, name="quote"),
    path("shoots/order", views.order, name="order-shoot"),
    path("shoots/<str:shoot_id>/", views.shoot, name="shoot"),
    path("shoots/<str:shoot_id>/header", views.header, name="shoot-header"),
    path("shoots/<str:shoot_id>/standing", views.standing, name="shoot-standing"),
    path("shoots/<str:shoot_id>/cancel", views.cancel, name="cancel-shoot"),
    path("renders/<str:render_id>/card", views.render_card, name="render-card"),
    path("renders/<str:render_id>/retry", views.retry, name="retry-render"),
    path("renders/<str:render_id>/<slug:name>", views.render_image, name="render-image"),
]
