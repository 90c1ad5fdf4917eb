"""Addresses of the catalog app, below a workspace."""

from django.urls import path

from apps.catalog.views import photos, products, uploads

app_name = "catalog"
urlpatterns = [
    path("products/", products.products, name="products"),
    path("products/new", products.create_product, name="create-product"),
    path("products/merge", products.merge_products, name="merge-products"),
    path("products/sample-photos", uploads.add_sample_photos, name="add-sample-photos"),
    path("products/<str:product_id>/", products.product, name="product"),
    path("products/<str:product_id>/edit", products.edit_product, name="edit-product"),
    path("products/<str:product_id>/delete", products.delete_product, name="delete-product"),
    path("products/<str:product_id>/move-photos", products.move_photos, name="move-photos"),
    path("uploads/", uploads.upload, name="upload"),
    path("photos/<str:photo_id>/view", photos.set_photo_view, name="set-photo-view"),
    path("photos/<str:photo_id>/shift", photos.shift_photo, name="shift-photo"),
    path("photos/<str:photo_id>/delete", photos.delete_photo, name="delete-photo"),
    path("photos/<str:photo_id>/<slug:variant>", photos.photo_image, name="photo-image"),
]
