"""Pictures of several orders painted together, before each order is finished by itself.

Owns the look ahead: a worker gets its orders in batches but renders one after the other, while a
network paints four pictures in far less than four times the time of one. When the first order of a
batch wants its picture, those of its companions that fit into the same batch are painted with it
and kept until they are asked for.

A companion whose photo cannot be used is left out here and fails by itself, with its own reason. A
picture does not depend on its batch, so that an order is the same whether painted ahead or alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from gpu_workers.engines.backdrop_generator import (
    BackdropGenerator,
    BackdropRequest,
    Encoded,
    Watch,
    batch_key,
)
from gpu_workers.errors import WorkerError
from gpu_workers.pipelines.cutout import Subject
from gpu_workers.protocol import RenderOrder

SubjectOf: TypeAlias = Callable[[RenderOrder], Subject]
Draft: TypeAlias = Callable[[Subject, RenderOrder], BackdropRequest]
"""Makes the request of an order's first picture."""

_Key: TypeAlias = tuple[str, int, tuple[int, int], int]


@dataclass(slots=True)
class _Expected:
    order: RenderOrder
    is_tried: bool = False


class PaintedAhead:
    """The pictures of one batch of orders."""

    def __init__(self) -> None:
        self._expected: list[_Expected] = []
        self._kept: dict[_Key, Encoded] = {}
        self._subject_of: SubjectOf | None = None

    def expect(self, orders: Sequence[RenderOrder], subject_of: SubjectOf) -> None:
        """Note the orders that are rendered next; what was kept of earlier ones is dropped.

        Parameters
        ----------
        orders
            In any order. Those that keep no cutout are not painted ahead: to cut a photo out
            twice costs more than a batch gains.
        subject_of
            Reads an order's product; raises `WorkerError` where it cannot.
        """
        self._expected = [_Expected(order) for order in orders if order.cutout_key]
        self._kept.clear()
        self._subject_of = subject_of

    def paint(
        self,
        generator: BackdropGenerator,
        request: BackdropRequest,
        order: RenderOrder,
        draft: Draft,
        *,
        watch: Watch,
    ) -> Encoded:
        """Return the picture of a request, kept or painted now, its companions with it."""
        kept = self._kept.pop(_key(order, request), None)
        if kept is not None:
            return kept
        companions = self._companions(generator, request, order, draft)
        requests = [request, *(each for _, each in companions)]
        picture, *others = generator.generate(requests, watch=watch)
        for (other, asked), painted in zip(companions, others, strict=True):
            self._kept[_key(other, asked)] = painted
        return picture

    def _companions(
        self,
        generator: BackdropGenerator,
        request: BackdropRequest,
        order: RenderOrder,
        draft: Draft,
    ) -> list[tuple[RenderOrder, BackdropRequest]]:
        """Return what is painted together with a request, each order tried once."""
        found: list[tuple[RenderOrder, BackdropRequest]] = []
        if self._subject_of is None:
            return found
        for each in self._expected:
            if _is_same(each.order, order):
                each.is_tried = True
            if each.is_tried or each.order.kind != order.kind:
                continue
            if len(found) + 1 >= generator.most_at_once:
                break
            if _checkpoint(each.order) != _checkpoint(order):
                continue
            each.is_tried = True
            try:
                asked = draft(self._subject_of(each.order), each.order)
            except WorkerError:
                continue
            if batch_key(asked) == batch_key(request):
                found.append((each.order, asked))
        return found


def _key(order: RenderOrder, request: BackdropRequest) -> _Key:
    return order.work_item, order.attempt, request.size, request.seed


def _is_same(one: RenderOrder, other: RenderOrder) -> bool:
    return (one.work_item, one.attempt) == (other.work_item, other.attempt)


def _checkpoint(order: RenderOrder) -> str:
    return str(order.scene.options.checkpoint)
