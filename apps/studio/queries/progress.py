"""How far shoots are: the counts that index, header and card share.

Owns what counts: of a render that was retried only the last try. States of reviews come from the
desk that the review app has put up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from apps.studio import reviewing
from apps.studio.models import Render


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a shoot is. Counts are renders; a retried one counts once."""

    total: int
    queued: int
    rendering: int
    succeeded: int
    failed: int
    canceled: int
    pending: int
    approved: int
    rejected: int

    @property
    def ended(self) -> int:
        """Renders that nothing more happens to by itself."""
        return self.succeeded + self.failed + self.canceled

    @property
    def open(self) -> int:
        """Renders still to be made."""
        return self.queued + self.rendering

    @property
    def percent(self) -> int:
        """Ended of all, 0 to 100; 100 only when all have."""
        return self.ended * 100 // self.total if self.total else 100

    @property
    def summary(self) -> str:
        """The counts in one sentence, for those who do not see the bar."""
        counts = (
            (self.approved, "approved"),
            (self.pending, "to review"),
            (self.rejected, "rejected"),
            (self.failed, "failed"),
            (self.canceled, "canceled"),
            (self.open, "in progress"),
        )
        return f"{self.total} renders: " + ", ".join(f"{n} {word}" for n, word in counts if n)


def progress_of(shoot_ids: Sequence[str]) -> dict[str, Progress]:
    """Return the progress of each shoot, in two queries for all."""
    made: dict[str, dict[str, int]] = {shoot: {} for shoot in shoot_ids}
    counted = (
        present_renders()
        .filter(shoot_id__in=shoot_ids)
        .order_by()
        .values_list("shoot_id", "state")
        .annotate(count=Count("pk"))
    )
    for shoot, state, count in counted:
        made[shoot][state] = count
    judged = reviewing.desk().counts(shoot_ids)
    return {shoot: _progress(made[shoot], judged.get(shoot, {})) for shoot in shoot_ids}


def present_renders() -> QuerySet[Render]:
    """Return the renders that count: not those that were retried."""
    return Render.objects.filter(retries__isnull=True)


def _progress(made: Mapping[str, int], judged: Mapping[str, int]) -> Progress:
    return Progress(
        total=sum(made.values()),
        queued=made.get(Render.State.QUEUED, 0),
        rendering=made.get(Render.State.RENDERING, 0),
        succeeded=made.get(Render.State.SUCCEEDED, 0),
        failed=made.get(Render.State.FAILED, 0),
        canceled=made.get(Render.State.CANCELED, 0),
        pending=judged.get("pending", 0),
        approved=judged.get("approved", 0),
        rejected=judged.get("rejected", 0),
    )
