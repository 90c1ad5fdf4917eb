"""What others may know of reviews: above all what may leave the workspace."""

from apps.review.queries.gate import approved_renders, is_exportable, pending_count

__all__ = ["approved_renders", "is_exportable", "pending_count"]
