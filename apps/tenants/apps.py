"""Django's entry to the tenants app."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    """Configuration of the tenants app."""

    name = "apps.tenants"
    label = "tenants"
    default_auto_field = "django.db.models.BigAutoField"
