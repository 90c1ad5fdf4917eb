"""Django's entry to the integrations app."""

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    """Configuration of the integrations app."""

    name = "apps.integrations"
    label = "integrations"
    default_auto_field = "django.db.models.BigAutoField"
