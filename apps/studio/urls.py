"""Addresses of the studio app, below a workspace."""

from django.urls import path

from apps.studio.views import brand, cutouts, shoots

app_name = "studio"
urlpatterns = [
    path("brand/", brand.brand_kit, name="brand-kit"),
    path("brand/keep", brand.keep, name="keep-brand-kit"),
    path("brand/remove", brand.remove, name="remove-brand-kit"),
    path("brand/sample", brand.sample, name="brand-sample"),
    path("brand/logos/<str:logo_id>", brand.logo, name="brand-logo"),
    path("brand/fonts/<slug:family>", brand.font, name="brand-font"),
    path("shoots/", shoots.shoots, name="shoots"),
    path("shoots/new", shoots.new_shoot, name="new-shoot"),
    path("shoots/quote", shoots.quote, name="quote"),
    path("shoots/order", shoots.order, name="order-shoot"),
    path("shoots/<str:shoot_id>/", shoots.shoot, name="shoot"),
    path("shoots/<str:shoot_id>/header", shoots.header, name="shoot-header"),
    path("shoots/<str:shoot_id>/standing", shoots.standing, name="shoot-standing"),
    path("shoots/<str:shoot_id>/cancel", shoots.cancel, name="cancel-shoot"),
    path("photos/<str:photo_id>/cutout/", cutouts.cutout, name="cutout"),
    path("photos/<str:photo_id>/cutout/mask", cutouts.mask, name="cutout-mask"),
    path("photos/<str:photo_id>/cutout/others", cutouts.others, name="cutout-others"),
    path("photos/<str:photo_id>/cutout/correct", cutouts.correct, name="correct-cutout"),
    path("photos/<str:photo_id>/cutout/keep", cutouts.keep, name="keep-cutout"),
    path("photos/<str:photo_id>/cutout/collect", cutouts.collect, name="collect-cutout"),
    path("photos/<str:photo_id>/cutout/kept", cutouts.kept, name="kept-cutout"),
    path("photos/<str:photo_id>/cutout/image", cutouts.image, name="cutout-image"),
    path("photos/<str:photo_id>/cutout/again", cutouts.again, name="render-again"),
    path("renders/<str:render_id>/card", shoots.render_card, name="render-card"),
    path("renders/<str:render_id>/retry", shoots.retry, name="retry-render"),
    path("renders/<str:render_id>/live-preview", shoots.live_preview, name="live-preview"),
    path("renders/<str:render_id>/<slug:name>", shoots.render_image, name="render-image"),
]
