"""Django's entry to the billing app."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """Configuration of the billing app."""

    name = "apps.billing"
    label = "billing"
    default_auto_field = "django.db.models.BigAutoField"
