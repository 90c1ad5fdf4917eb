"""The one thing a queue may start on a worker: render a batch.

Owns the reading of a batch, order by order where it cannot be read as a whole, and the telling of
what became of each order. Does not render and does not end children: that is `supervisor`.
"""

from __future__ import annotations

import base64
import json
import logging
import math
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from gpu_workers.errors import OrderInvalid
from gpu_workers.protocol import (
    RenderBatch,
    RenderOrder,
    ReportKind,
    batch_from_json,
    preview_key,
)
from gpu_workers.report import ProgressThrottle
from gpu_workers.supervisor import Desk, Failure

log = logging.getLogger("gpu_workers.jobs")


class Voice(Protocol):
    """Where reports go: `report.Reporter`."""

    def send(self, kind: ReportKind, **body: Any) -> None:
        """Queue a report."""
        ...

    def show(self, key: str, picture: bytes) -> None:
        """Put a picture up, before what is sent after it; it takes the place of an earlier one."""
        ...


@dataclass(slots=True)
class _UnderWay:
    order: RenderOrder
    throttle: ProgressThrottle = field(default_factory=ProgressThrottle)
    previews: int = 0
    """How many were put up; the page fetches the picture when the number has changed."""


class OrderDesk:
    """Turns what happens to orders into reports and knows which orders this worker holds.

    Read by the heartbeat thread while the main thread writes, hence the lock.
    """

    def __init__(self, voice: Voice, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._voice = voice
        self._clock = clock
        self._lock = threading.Lock()
        self._held: list[RenderOrder] = []
        self._under_way: dict[tuple[str, int], _UnderWay] = {}

    def take(self, orders: tuple[RenderOrder, ...]) -> None:
        """Note the orders of a batch as held until each has succeeded or failed."""
        with self._lock:
            self._held = list(orders)
        self._under_way.clear()

    def held(self) -> list[list[Any]]:
        """Return ``[work_item, attempt]`` of every order taken and not finished."""
        with self._lock:
            return [[order.work_item, order.attempt] for order in self._held]

    def started(self, order: RenderOrder) -> None:
        """An order is under way."""
        self._under_way[_key(order)] = _UnderWay(order)
        self._voice.send("order.started", **_about(order))

    def progressed(
        self,
        order: RenderOrder,
        step: int,
        steps: int,
        label: str,
        share: float,
        *,
        preview: str = "",
    ) -> None:
        """An order came one step further; ``preview`` is a WebP file in base64, if there is one."""
        known = self._under_way[_key(order)]
        if preview:
            known.previews += 1
            self._voice.show(preview_key(*_key(order)), base64.b64decode(preview))
        body = {"step": step, "steps": steps, "label": label, "share": share}
        body["preview"] = known.previews
        self._send_progress(order, known.throttle.offer(body, self._clock()))

    def turn(self) -> None:
        """Send progress that was held back and whose time has come."""
        now = self._clock()
        for known in self._under_way.values():
            self._send_progress(known.order, known.throttle.due(now))

    def succeeded(self, order: RenderOrder, manifest_key: str) -> None:
        """An order is rendered and its manifest is in storage."""
        self._finish(order)
        self._voice.send("order.succeeded", **_about(order), manifest_key=manifest_key)

    def failed(self, order: RenderOrder, failure: Failure) -> None:
        """An order failed for good on this worker."""
        self._finish(order)
        log.warning(
            "order failed",
            extra={"facts": {**_about(order), "code": failure.code, "detail": failure.detail}},
        )
        self._voice.send(
            "order.failed",
            **_about(order),
            code=failure.code,
            detail=failure.detail,
            retryable=failure.retryable,
        )

    def _finish(self, order: RenderOrder) -> None:
        known = self._under_way.pop(_key(order), None)
        if known is not None:
            self._send_progress(order, known.throttle.take())
        with self._lock:
            self._held = [other for other in self._held if other is not order]

    def _send_progress(self, order: RenderOrder, body: dict[str, Any] | None) -> None:
        if body is not None:
            self._voice.send("order.progress", **_about(order), **body)


@dataclass(frozen=True, slots=True)
class Bench:
    """What a running worker lends to the job: its lane, its desk and its supervisor's run."""

    lane: str
    voice: Voice
    desk: OrderDesk
    run: Callable[[RenderBatch, Desk], None]


_bench: ContextVar[Bench] = ContextVar("bench")


def lend(bench: Bench) -> None:
    """Make a worker's means known to the jobs it starts in this process."""
    _bench.set(bench)


def render_batch(batch_json: str) -> None:
    """Render a batch; what becomes of each order is reported on the stream, nothing returned."""
    bench = _bench.get()
    batch, refused = read_batch(batch_json, lane=bench.lane)
    for body in refused:
        log.warning("order refused", extra={"facts": body})
        bench.voice.send("order.failed", **body, code=OrderInvalid.code, retryable=False)
    if batch is None:
        return
    bench.desk.take(batch.orders)
    facts = {"batch": batch.batch, "orders": len(batch.orders)}
    log.info("batch taken", extra={"facts": facts})
    bench.run(batch, bench.desk)
    log.info("batch left", extra={"facts": {**facts, "unfinished": len(bench.desk.held())}})


def read_batch(text: str, *, lane: str) -> tuple[RenderBatch | None, list[dict[str, Any]]]:
    """Read as much of a batch as can be read.

    Parameters
    ----------
    text
        The batch as JSON.
    lane
        The lane of this worker; a batch for another one is refused, because another engine
        would make another picture.

    Returns
    -------
    The batch with the readable orders, or None if there are none, and for each unreadable order
    that can at least be named: ``work_item``, ``attempt``, ``tenant`` and ``detail``.
    """
    try:
        batch = _checked(batch_from_json(text), lane)
    except OrderInvalid as error:
        return _salvage(text, lane, str(error))
    return (batch if batch.orders else None), []


def _checked(batch: RenderBatch, lane: str) -> RenderBatch:
    if batch.lane != lane:
        raise OrderInvalid(f"batch for lane {batch.lane!r} came to lane {lane!r}")
    deadline = batch.deadline_seconds
    if isinstance(deadline, bool) or not isinstance(deadline, (int, float)):
        raise OrderInvalid(f"deadline_seconds {deadline!r} is not a number")
    if not (math.isfinite(deadline) and deadline > 0):
        raise OrderInvalid(f"deadline_seconds {deadline!r} is not above 0")
    return batch


def _salvage(text: str, lane: str, reason: str) -> tuple[RenderBatch | None, list[dict[str, Any]]]:
    """Read a batch order by order, so that one bad order does not fail its neighbors."""
    try:
        body = json.loads(text)
        raw_orders = list(body["orders"])
    except (ValueError, TypeError, KeyError):
        log.error("batch cannot be read", extra={"facts": {"reason": reason}})
        return None, []
    good: RenderBatch | None = None
    refused = []
    for raw in raw_orders:
        try:
            single = _checked(batch_from_json(json.dumps({**body, "orders": [raw]})), lane)
        except OrderInvalid as error:
            if isinstance(raw, dict) and {"work_item", "attempt", "tenant"} <= raw.keys():
                names = {name: raw[name] for name in ("work_item", "attempt", "tenant")}
                refused.append({**names, "detail": str(error)})
            continue
        good = single if good is None else replace(good, orders=(*good.orders, *single.orders))
    return good, refused


def _key(order: RenderOrder) -> tuple[str, int]:
    return order.work_item, order.attempt


def _about(order: RenderOrder) -> dict[str, Any]:
    return {"work_item": order.work_item, "attempt": order.attempt, "tenant": order.tenant}
