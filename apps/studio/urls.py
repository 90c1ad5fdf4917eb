"""Addresses of the studio app, below a workspace."""

from django.urls import path

from apps.studio.views import shoots

app_name = "studio"
urlpatterns = [
    path("shoots/", shoots.shoots, name="shoots"),
    path("shoots/new", shoots.new_shoot, name="new-shoot"),
    path("shoots/quote", shoots.quote, name="quote"),
    path("shoots/order", shoots.order, name="order-shoot"),
    path("shoots/<str:shoot_id>/", shoots.shoot, name="shoot"),
    path("shoots/<str:shoot_id>/header", shoots.header, name="shoot-header"),
    path("shoots/<str:shoot_id>/standing", shoots.standing, name="shoot-standing"),
    path("shoots/<str:shoot_id>/cancel", shoots.cancel, name="cancel-shoot"),
    path("renders/<str:render_id>/card", shoots.render_card, name="render-card"),
    path("renders/<str:render_id>/retry", shoots.retry, name="retry-render"),
    path("renders/<str:render_id>/<slug:name>", shoots.render_image, name="render-image"),
]
