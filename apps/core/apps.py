"""Django's entry to the core app."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Configuration of the core app."""

    name = "apps.core"
    label = "core"
    default_auto_field = "django.db.models.BigAutoField"
