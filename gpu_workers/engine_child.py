"""The engine child: one long-lived process with warm libraries that renders what it is sent.

Owns the rendering side of the pipe: load, render, write the manifest, answer. Knows no Redis, no
queue and no deadline: its worker watches and ends it. Started as
``python -m gpu_workers.engine_child DESCRIPTOR`` in a fresh interpreter, or forked from
`engine_forkserver`, which has imported libraries and nothing else: never from a process that could
hand down a device context or a thread.
"""

from __future__ import annotations

import base64
import faulthandler
import importlib.metadata
import logging
import os
import platform
import queue
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection

from gpu_workers.engine_pipe import Answer, ChildSettings, Saying, settings_from_bytes
from gpu_workers.errors import DeviceError, EngineError, OrderInvalid, WorkerError
from gpu_workers.forking import HELD_SIGNALS, take_signals
from gpu_workers.logs import log_to_stderr
from gpu_workers.process_control import die_with_parent, prefer_as_out_of_memory_victim
from gpu_workers.protocol import (
    MANIFEST_NAME,
    RenderOrder,
    RenderResult,
    batch_from_json,
    result_from_json,
)
from gpu_workers.registry import ExpectingRenderer, Renderer, load_renderer
from gpu_workers.storage import Storage, StorageUnusable, open_storage

_MAX_DETAIL = 1000
_NAMED_LIBRARIES = ("numpy", "opencv-python-headless", "pillow", "torch", "onnxruntime")

log = logging.getLogger("gpu_workers.engine_child")


class EngineChild:
    """Renders the orders of each batch in turn and answers over the pipe."""

    def __init__(
        self, *, renderer: Renderer, storage: Storage, answer: Callable[[Answer], None]
    ) -> None:
        self._renderer = renderer
        self._storage = storage
        self._answer = answer

    def render_batch(self, text: str) -> None:
        """Render every order; a failing one does not end the batch.

        Raises
        ------
        DeviceError
            If an order showed that the device is unfit; it has been answered as failed.
        """
        orders = batch_from_json(text).orders
        if isinstance(self._renderer, ExpectingRenderer):
            self._renderer.expect(orders, read=self._storage.read, write=self._storage.write)
        for place, order in enumerate(orders):
            self._say("started", place)
            try:
                self._render(place, order)
            except WorkerError as error:
                self._fail(place, error)
                if isinstance(error, DeviceError):
                    raise
            except Exception as error:  # a bug in one order must not end its batch
                log.exception("render raised", extra={"facts": _names(order)})
                self._fail(place, EngineError(f"{type(error).__name__}: {error}"))
        self._say("done")

    def _render(self, place: int, order: RenderOrder) -> None:
        manifest_key = f"{order.result_prefix}{MANIFEST_NAME}"
        if not self._is_rendered(order, manifest_key):

            def report(
                step: int, steps: int, label: str, share: float, preview: bytes = b"", /
            ) -> None:
                body = {"step": step, "steps": steps, "label": label, "share": share}
                seen = {"preview": base64.b64encode(preview).decode()} if preview else {}
                self._say("progress", place, **body, **seen)

            result = self._renderer(
                order, read=self._storage.read, write=self._storage.write, report=report
            )
            self._storage.write(manifest_key, result.to_json().encode())
        self._say("succeeded", place, manifest_key=manifest_key)

    def _is_rendered(self, order: RenderOrder, manifest_key: str) -> bool:
        """Whether this very attempt was finished before, by a child that died or a job run twice.

        The manifest is written last, so its presence means that every file is there.
        """
        if not self._storage.exists(manifest_key):
            return False
        try:
            result: RenderResult = result_from_json(self._storage.read(manifest_key))
        except OrderInvalid:
            return False
        return (result.work_item, result.attempt) == (order.work_item, order.attempt)

    def _fail(self, place: int, error: WorkerError) -> None:
        self._say(
            "failed",
            place,
            code=error.code,
            detail=error.detail[:_MAX_DETAIL],
            retryable=error.retryable,
        )

    def _say(self, say: Saying, place: int = -1, **body: object) -> None:
        self._answer(Answer(say, place, body))


def main(descriptor: int, *, is_forked: bool = False) -> int:
    """Serve one worker until it closes the pipe.

    Parameters
    ----------
    is_forked
        Whether the engine fork server is our parent: it ends us when the worker is gone.
    """
    # The terminal sends Ctrl+C to the whole process group; the worker decides what becomes of us.
    for number in HELD_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    take_signals()
    pipe = Connection(descriptor)
    try:
        settings = settings_from_bytes(pipe.recv_bytes())
    except EOFError:
        return 0
    if not is_forked:
        die_with_parent(signal.SIGKILL, settings.parent_pid)
    prefer_as_out_of_memory_victim()
    log_to_stderr(worker=settings.worker, child=os.getpid())
    faulthandler.enable()
    inbox: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(pipe, inbox), daemon=True).start()
    try:
        child = _load(settings, lambda answer: pipe.send_bytes(answer.to_bytes()))
        pipe.send_bytes(Answer("ready", body={"versions": _versions()}).to_bytes())
        while True:
            child.render_batch(inbox.get())
    except (DeviceError, StorageUnusable) as error:
        log.error("engine child is unfit", extra={"facts": {"detail": error}})
        pipe.send_bytes(Answer("unfit", body={"detail": str(error)[:_MAX_DETAIL]}).to_bytes())
        return 1


def _load(settings: ChildSettings, answer: Callable[[Answer], None]) -> EngineChild:
    storage = open_storage(settings.storage_url)
    renderer = load_renderer(
        engine=settings.engine, dotted_name=settings.renderer, threads=settings.threads
    )
    return EngineChild(renderer=renderer, storage=storage, answer=answer)


def _receive(pipe: Connection, inbox: queue.SimpleQueue[str]) -> None:
    """Take in batches; leave at once, whatever is being rendered, when the worker is gone."""
    while True:
        try:
            inbox.put(pipe.recv_bytes().decode())
        except (EOFError, OSError):
            os._exit(0)


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in _NAMED_LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _names(order: RenderOrder) -> dict[str, object]:
    return {"work_item": order.work_item, "attempt": order.attempt, "tenant": order.tenant}


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
