"""What was promised for shoots and what came of it, for compute's operations pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apps.compute.queries.orders import Order
from apps.studio.models import Render, Shoot


class Book:
    """The book of orders that compute asks: `apps.compute.queries.orders.OrderBook`."""

    def open_orders(self, *, limit: int) -> Sequence[Order]:
        """Return shoots in the making, the oldest first."""
        shoots = Shoot.objects.filter(state=Shoot.State.RENDERING).order_by("ordered_at", "number")
        return [_order(shoot) for shoot in shoots[:limit]]

    def ended_orders(self, *, since: datetime, limit: int) -> Sequence[Order]:
        """Return finished shoots, the newest first.

        Left out are those whose end says nothing of the promise: canceled ones, and those with a
        render that somebody tried again later.
        """
        retried = Render.objects.filter(retry_of__isnull=False).values("shoot_id")
        shoots = (
            Shoot.objects.filter(state=Shoot.State.FINISHED, finished_at__gte=since)
            .exclude(pk__in=retried)
            .order_by("-finished_at", "-number")
        )
        return [_order(shoot) for shoot in shoots[:limit]]


def _order(shoot: Shoot) -> Order:
    took = (
        (shoot.finished_at - shoot.ordered_at).total_seconds()
        if shoot.finished_at is not None
        else None
    )
    return Order(
        group=shoot.pk,
        title=str(shoot),
        page="studio:shoot",
        ordered_at=shoot.ordered_at,
        promised_p50_seconds=_seconds(shoot.quote.get("finish_p50_seconds")),
        promised_p90_seconds=_seconds(shoot.quote.get("finish_p90_seconds")),
        took_seconds=took,
    )


def _seconds(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
