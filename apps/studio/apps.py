"""Django's entry to the studio app."""

from django.apps import AppConfig


class StudioConfig(AppConfig):
    """Configuration of the studio app."""

    name = "apps.studio"
    label = "studio"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Hear from compute what becomes of the renders; tell it what was promised for them."""
        from apps.compute.completion import register
        from apps.compute.queries import orders
        from apps.studio.queries.promises import Book
        from apps.studio.services.receiving import StudioReceiver

        register(StudioReceiver())
        orders.register(Book())
