"""Gets a batch rendered by a child that may crash, hang or swell: the worker's whole patience.

Owns the life cycle of the engine child, the deadline of each order, the regrouping after a crash
and the recycling. Does not talk to Redis or storage: what happens is told to a `Desk`. Times are
float seconds of a monotonic clock.
"""

from __future__ import annotations

import dataclasses
import logging
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, TypeAlias

from gpu_workers.config import WorkerConfig
from gpu_workers.engine_pipe import Answer
from gpu_workers.engine_process import EngineGone, EngineProcess
from gpu_workers.errors import DeadlineExceeded, DeviceError, EngineCrashed, WorkerError
from gpu_workers.isolation import order_share_seconds, plan_groups_after_crash
from gpu_workers.memory import KILL_FACTOR, decide_recycle, must_end
from gpu_workers.protocol import RenderBatch, RenderOrder

POLL_SECONDS: Final = 0.1
_START_TRIES: Final = 3

log = logging.getLogger("gpu_workers.supervisor")

GroupEnd: TypeAlias = Literal["done", "crashed", "hung", "halted", "unfit"]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an order failed, in the words of the protocol."""

    code: str
    detail: str
    retryable: bool


class Desk(Protocol):
    """Where the supervisor tells what happens to orders."""

    def started(self, order: RenderOrder) -> None:
        """An order is under way."""
        ...

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
        ...

    def succeeded(self, order: RenderOrder, manifest_key: str) -> None:
        """An order is rendered and its manifest is in storage."""
        ...

    def failed(self, order: RenderOrder, failure: Failure) -> None:
        """An order failed for good on this worker."""
        ...

    def turn(self) -> None:
        """Called several times a second while a child works."""
        ...


@dataclass(slots=True)
class _Group:
    """Orders that were sent to the child together: how many, not begun, under way."""

    size: int
    waiting: dict[int, RenderOrder]
    running: dict[int, RenderOrder] = field(default_factory=dict)
    begun: bool = False

    def unfinished(self) -> tuple[RenderOrder, ...]:
        return (*self.running.values(), *self.waiting.values())


class Supervisor:
    """Holds one engine child at a time.

    Parameters
    ----------
    must_halt
        Returns whether the worker must stop now, even in mid-order.
    requests
        Socket to the engine fork server; None starts every child in a fresh interpreter.
    """

    def __init__(
        self,
        config: WorkerConfig,
        *,
        must_halt: Callable[[], bool],
        requests: socket.socket | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._must_halt = must_halt
        self._requests = requests
        self._clock = clock
        self._process: EngineProcess | None = None
        self._ready = False
        self._false_starts = 0
        self.versions: dict[str, str] = {}
        """Libraries of the child, known once it was ready."""

    def start(self) -> None:
        """Start a child unless one runs; it loads while the worker goes on."""
        if self._process is not None and not self._process.is_alive():
            self._drop()
        if self._process is None:
            try:
                self._process = EngineProcess(self._config, self._requests)
            except OSError as error:
                raise DeviceError(f"no engine child can be started: {error}") from error
            self._ready = False

    def await_ready(self, give_up: Callable[[], bool]) -> bool:
        """Wait until a warm child stands by; start or restart it where needed.

        Parameters
        ----------
        give_up
            Returns whether waiting has become pointless.

        Returns
        -------
        Whether a child is ready; False only after ``give_up``.

        Raises
        ------
        DeviceError
            If the child says it is unfit, or did not become ready in several tries.
        """
        trouble = ""
        for _ in range(_START_TRIES):
            self.start()
            started = self._clock()
            while not self._ready:
                if give_up():
                    return False
                trouble = self._await_word(started)
                if trouble:
                    break
            if self._ready:
                return True
            log.error("engine child did not become ready", extra={"facts": {"reason": trouble}})
        raise DeviceError(f"the engine child did not become ready: {trouble}")

    def _await_word(self, started: float) -> str:
        """Listen once for a starting child's word; return what went wrong, if anything."""
        process = self._running()
        try:
            answer = process.receive(POLL_SECONDS)
        except EngineGone as gone:
            self._drop()
            return f"it {gone}"
        if answer is not None and answer.say == "unfit":
            self._drop()
            raise DeviceError(str(answer.body["detail"]))
        if answer is not None and answer.say == "ready":
            self._ready = True
            self.versions = dict(answer.body["versions"])
        elif self._clock() - started > self._config.engine_start_seconds:
            self._drop()
            return f"it was not ready after {self._config.engine_start_seconds:g} s"
        return ""

    def run(self, batch: RenderBatch, desk: Desk) -> bool:
        """Render a batch; every order is told to the desk as succeeded or failed.

        Returns
        -------
        Whether the batch came to its end; False if the worker was halted before, and the orders
        the desk has not heard of are to be handed back.

        Raises
        ------
        DeviceError
            If the device or installation is unfit; the remaining orders are to be handed back.
        """
        ends_at = self._clock() + batch.deadline_seconds
        groups = deque([batch.orders])
        self._false_starts = 0
        while groups:
            if not self.await_ready(self._must_halt):
                return False
            orders = groups.popleft()
            if self._clock() >= ends_at:
                _fail_all(
                    orders, DeadlineExceeded("the batch's time was over before it began"), desk
                )
                continue
            later = sum(len(group) for group in groups)
            group = _Group(len(orders), waiting=dict(enumerate(orders)))
            self._running().send(dataclasses.replace(batch, orders=orders))
            end, reason = self._watch(group, later, ends_at, desk)
            if end == "halted":
                return False
            if end == "unfit":
                raise DeviceError(reason)
            groups.extend(self._settle(end, reason, group, desk))
        self._recycle()
        return True

    def close(self) -> None:
        """End the child."""
        if self._process is not None:
            if self._process.is_alive() and self._ready:
                self._process.leave()
            self._drop()

    def _watch(self, group: _Group, later: int, ends_at: float, desk: Desk) -> tuple[GroupEnd, str]:
        """Follow a child through a group until it is done or was ended."""
        process = self._running()
        limit = self._limit(group, later, ends_at)
        while True:
            broken = self._must_end(process)
            if broken is not None:
                self._drop()
                return broken
            try:
                answer = process.receive(min(POLL_SECONDS, limit - self._clock()))
            except EngineGone as gone:
                self._drop()
                return "crashed", str(gone)
            desk.turn()
            if answer is not None and answer.say == "done":
                return "done", ""
            if answer is not None and answer.say == "unfit":
                self._drop()
                return "unfit", str(answer.body["detail"])
            if answer is not None:
                _tell(answer, group, desk)
            if answer is not None and answer.say != "progress" and group.unfinished():
                limit = self._limit(group, later, ends_at)
            elif self._clock() >= limit:
                self._drop()
                return "hung", ""

    def _must_end(self, process: EngineProcess) -> tuple[GroupEnd, str] | None:
        """Return why the child must be ended in mid-order, whatever it is doing."""
        if self._must_halt():
            return "halted", ""
        memory_bytes = self._config.engine_memory_bytes
        if must_end(resident_bytes=process.resident_bytes(), memory_bytes=memory_bytes):
            return "crashed", f"used more than {KILL_FACTOR * memory_bytes} bytes of memory"
        return None

    def _limit(self, group: _Group, later: int, ends_at: float) -> float:
        now = self._clock()
        unfinished = len(group.unfinished()) + later
        return now + order_share_seconds(remaining_seconds=ends_at - now, unfinished=unfinished)

    def _settle(
        self, end: GroupEnd, reason: str, group: _Group, desk: Desk
    ) -> tuple[tuple[RenderOrder, ...], ...]:
        """Fail what is to blame and return the groups to go on with."""
        running, waiting = tuple(group.running.values()), tuple(group.waiting.values())
        if end == "done" or not group.unfinished():
            return ()
        facts = {"end": end, "reason": reason, "running": len(running), "waiting": len(waiting)}
        log.error("engine child lost", extra={"facts": facts})
        if end == "hung":
            culprits = running or waiting[:1]
            _fail_all(culprits, DeadlineExceeded("cut at its share of the deadline"), desk)
            rest = waiting if running else waiting[1:]
            return (rest,) if rest else ()
        if not running and not group.begun and self._false_starts == 0:
            # The child died between two batches or could not read this one: nobody is to blame yet.
            self._false_starts += 1
            return (waiting,)
        if group.size == 1:
            _fail_all(group.unfinished(), EngineCrashed(f"engine child {reason}"), desk)
            return ()
        return plan_groups_after_crash(running, waiting)

    def _recycle(self) -> None:
        process = self._process
        if process is None:
            return
        reason = decide_recycle(
            orders_done=process.orders_sent,
            resident_bytes=process.resident_bytes(),
            recycle_orders=self._config.engine_recycle_orders,
            memory_bytes=self._config.engine_memory_bytes,
        )
        if reason:
            log.info("engine child replaced", extra={"facts": {"reason": reason}})
            process.leave()
            self._drop()
            self.start()

    def _running(self) -> EngineProcess:
        if self._process is None:
            raise RuntimeError("no engine child was started")
        return self._process

    def _drop(self) -> None:
        if self._process is not None:
            self._process.kill()
        self._process = None
        self._ready = False


def _tell(answer: Answer, group: _Group, desk: Desk) -> None:
    """Pass one answer about one order to the desk."""
    place, body = answer.place, answer.body
    if answer.say == "started":
        group.begun = True
        group.running[place] = group.waiting.pop(place)
        desk.started(group.running[place])
    elif answer.say == "progress":
        desk.progressed(group.running[place], **body)
    elif answer.say == "succeeded":
        desk.succeeded(group.running.pop(place), body["manifest_key"])
    elif answer.say == "failed":
        desk.failed(group.running.pop(place), Failure(**body))


def _fail_all(orders: Iterable[RenderOrder], error: WorkerError, desk: Desk) -> None:
    failure = Failure(code=error.code, detail=error.detail, retryable=error.retryable)
    for order in orders:
        desk.failed(order, failure)
