"""Django's entry to the events app."""

from django.apps import AppConfig


class EventsConfig(AppConfig):
    """Configuration of the events app."""

    name = "apps.events"
    label = "events"
    default_auto_field = "django.db.models.BigAutoField"
