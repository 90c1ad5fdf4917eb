"""Django's entry to the review app."""

from django.apps import AppConfig


class ReviewConfig(AppConfig):
    """Configuration of the review app."""

    name = "apps.review"
    label = "review"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Open a review for every render that studio finishes; answer for them on its pages."""
        from apps.compute import holds
        from apps.review.queries.gate import Desk, shoots_to_review
        from apps.review.services import open_reviews
        from apps.studio import completion, reviewing

        completion.register(open_reviews)
        reviewing.register(Desk())
        holds.register(shoots_to_review)
