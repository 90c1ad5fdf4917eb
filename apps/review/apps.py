"""Django's entry to the review app."""

from django.apps import AppConfig


class ReviewConfig(AppConfig):
    """Configuration of the review app."""

    name = "apps.review"
    label = "review"
    default_auto_field = "django.db.models.BigAutoField"
