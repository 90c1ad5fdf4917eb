"""What can go wrong on a worker, grouped by who must act.

Owns the error families that a report carries to the application. Does not own sentences for
users: those are written in the application, over the stable ``code``.

::

    WorkerError
    ├── OrderError       the order cannot be done as asked: never retried
    │   ├── SourceUnusable     no product found, unreadable or too small source photo
    │   ├── WordsUnfit         words do not fit, or no font can write them; an OrderInvalid
    │   ├── ObjectMissing      an object key of the order is not in storage
    │   ├── OrderInvalid       unknown kind, scene or field; newer protocol
    │   ├── ModelMissing       the weights it asks for are not on this machine
    │   ├── ModelRefused       the weights it asks for are unknown or not licensed
    │   └── GenerationRejected every picture that was generated failed its check
    ├── EngineError      the engine failed on this try: retried with the next attempt
    │   ├── EngineCrashed      the engine child died
    │   └── DeadlineExceeded   the engine child was cut at the deadline
    └── DeviceError      the machine is unfit: the worker drains and leaves
"""

from __future__ import annotations

from typing import ClassVar


class WorkerError(Exception):
    """Base of all failures a worker reports. ``code`` is dotted and stable."""

    code: ClassVar[str] = "worker.failed"
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.code)
        self.detail = detail


class OrderError(WorkerError):
    """The order cannot be done as asked; another try would end the same."""

    code = "order.failed"


class OrderInvalid(OrderError):
    """The order names a kind, scene or field this worker does not know."""

    code = "order.invalid"


class WordsUnfit(OrderInvalid):
    """Words of the order do not fit the picture, or no font can write them; detail says which."""

    code = "order.words_unfit"


class SourceUnusable(OrderError):
    """The source photo cannot be read, or no product stands out in it."""

    code = "order.source_unusable"


class ObjectMissing(OrderError):
    """Storage holds no object under a key the order names."""

    code = "order.object_missing"


class ModelMissing(OrderError):
    """The weights the order asks for are not on this machine; the detail names the cure."""

    code = "order.model_missing"


class ModelRefused(OrderError):
    """The weights the order asks for are unknown, or their terms were not accepted."""

    code = "order.model_refused"


class GenerationRejected(OrderError):
    """Every picture that was generated within the order's limit failed its check."""

    code = "order.generation_rejected"


class EngineError(WorkerError):
    """The engine failed on this try; the next attempt may succeed."""

    code = "engine.failed"
    retryable = True


class EngineCrashed(EngineError):
    """The engine child died while it worked on the batch."""

    code = "engine.crashed"


class DeadlineExceeded(EngineError):
    """The engine child did not finish before the deadline and was ended."""

    code = "engine.deadline_exceeded"


class DeviceError(WorkerError):
    """The device or its driver is unfit; the worker drains and leaves."""

    code = "device.unfit"
    retryable = True
