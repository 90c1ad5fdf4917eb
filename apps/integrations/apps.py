"""Django's entry to the integrations app."""

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    """Registers the chores of this app."""

    name = "apps.integrations"
    label = "integrations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Look after lost doorbells and old answers."""
        from apps.core import chores
        from apps.integrations.api.idempotency import forget_old_answers
        from apps.integrations.services.exports import ring_unheard

        chores.register("exports.ring_unheard", every_seconds=10, run=ring_unheard)
        chores.register("api.forget_old_answers", every_seconds=3600, run=forget_old_answers)
