"""Django's entry to the insights app."""

from django.apps import AppConfig


class InsightsConfig(AppConfig):
    """Configuration of the insights app."""

    name = "apps.insights"
    label = "insights"
    default_auto_field = "django.db.models.BigAutoField"
