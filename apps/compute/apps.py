"""Django's entry to the compute app."""

from django.apps import AppConfig


class ComputeConfig(AppConfig):
    """Configuration of the compute app."""

    name = "apps.compute"
    label = "compute"
    default_auto_field = "django.db.models.BigAutoField"
