"""The retouch process: answers people who correct a cutout in their browser, while they draw.

Owns the two lines of requests, one thread to each, and this process's manners: it ends when a
request hangs and leaves when it has grown too large; whoever started it starts it again. It is
not nice to others: a person waits for it, and nobody for a worker's next second. Run as
``python -m gpu_workers retouch``; it needs Redis and storage, like a worker. One for each machine
that has a processor to spare is enough, several share the requests. What is done with photos is
`pipelines.retouch`'s. Times are float seconds.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from gpu_workers.config import SettingInvalid, config_from_environ
from gpu_workers.engine_births import thread_environ
from gpu_workers.errors import WorkerError
from gpu_workers.logs import log_to_stderr
from gpu_workers.process_control import (
    die_with_parent,
    prefer_as_out_of_memory_victim,
    resident_bytes,
)
from gpu_workers.retouch_protocol import (
    ALIVE_SECONDS,
    ANSWER_SECONDS,
    QUICK_LINE,
    RETOUCH_ALIVE_KEY,
    RETOUCH_ANSWER_KEY,
    RETOUCH_REQUEST_KEY,
    SLOW_LINE,
    RetouchRequest,
    is_request_id,
    request_from_json,
)
from gpu_workers.storage import StorageUnusable, open_storage

EXIT_MISCONFIGURED: Final = 2
EXIT_HUNG: Final = 3
_WAIT_SECONDS: Final = 1.0
_AWAY_SECONDS: Final = 0.5
_HUNG_SECONDS: Final = 120.0
"""The largest photo is kept in a tenth of it; beyond, a native call hangs and only an end helps."""
_MAX_DETAIL: Final = 500

log = logging.getLogger("gpu_workers.retouch")

Act = Callable[[RetouchRequest], dict[str, Any]]


def run(environ: Mapping[str, str], *, parent_pid: int) -> int:
    """Serve until SIGTERM or SIGINT; return the process's exit code."""
    try:
        config = config_from_environ(environ)
        storage = open_storage(config.storage_url)
    except (SettingInvalid, StorageUnusable) as error:
        sys.stderr.write(f"gpu_workers: {error}\n")
        return EXIT_MISCONFIGURED
    log_to_stderr(process="retouch")
    if config.dies_with_parent and not die_with_parent(signal.SIGTERM, parent_pid):
        log.warning("PACKSHOT_DIE_WITH_PARENT has no effect on this system")
    prefer_as_out_of_memory_victim()
    # Before the libraries are loaded: they read it once.
    os.environ.update(thread_environ(config.engine_threads))
    server = RetouchServer(
        config.redis_url,
        acts(read=storage.read, write=storage.write, threads=config.engine_threads),
        memory_bytes=config.engine_memory_bytes,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.leave())
    return server.serve()


def acts(
    *, read: Callable[[str], bytes], write: Callable[[str, bytes], None], threads: int
) -> dict[str, Act]:
    """Return what each verb does on the photos of a storage."""
    # Here and not above: the settings of threads have to stand before.
    import cv2  # noqa: PLC0415

    from gpu_workers.pipelines.retouch import RetouchDesk, mask_file  # noqa: PLC0415

    cv2.setNumThreads(threads)
    desk = RetouchDesk(read=read, write=write)

    def picture(mask: Any) -> str:
        return base64.b64encode(mask_file(mask)).decode("ascii")

    def open_photo(request: RetouchRequest) -> dict[str, Any]:
        opened = desk.open(request.photo_key, request.cutout_key)
        return {"mask": picture(opened.mask), "maker": opened.maker}

    def alternatives(request: RetouchRequest) -> dict[str, Any]:
        masks = desk.alternatives(request.photo_key, request.cutout_key)
        return {"masks": [{"name": name, "mask": picture(m)} for name, m in masks.items()]}

    def strokes(request: RetouchRequest) -> dict[str, Any]:
        done = desk.corrected(
            request.photo_key, request.cutout_key, request.start, request.steps
        ).mask
        return {"mask": picture(done), "share": round(float(done.mean()), 4)}

    def keep(request: RetouchRequest) -> dict[str, Any]:
        desk.keep(
            request.photo_key,
            request.cutout_key,
            request.start,
            request.steps,
            to_key=request.to_key,
        )
        return {}

    return {"open": open_photo, "alternatives": alternatives, "strokes": strokes, "keep": keep}


class RetouchServer:
    """Takes requests from both lines and answers them.

    Parameters
    ----------
    acts
        Verb to what it does; what it raises as `WorkerError` becomes the answer.
    memory_bytes
        Resident memory above which the process leaves between two requests.
    """

    def __init__(self, redis_url: str, acts: Mapping[str, Act], *, memory_bytes: int) -> None:
        self._redis_url = redis_url
        self._acts = acts
        self._memory_bytes = memory_bytes
        self._leaving = threading.Event()
        self._busy_since: dict[str, float] = {}

    def leave(self) -> None:
        """Take no further request; `serve` returns when those under way are answered."""
        self._leaving.set()

    def serve(self) -> int:
        """Answer requests until told to leave. Return 0."""
        log.info("serving", extra={"facts": {"pid": os.getpid()}})
        client = self._client()
        self._say_alive(client)
        threads = [
            threading.Thread(target=self._serve_line, args=(line,), daemon=True)
            for line in (QUICK_LINE, SLOW_LINE)
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            if not self._leaving.wait(_WAIT_SECONDS):
                self._say_alive(client)
            for thread in threads:
                thread.join(0.05)
            self._end_if_hung()
        client.close()
        return 0

    def _say_alive(self, client: redis.Redis) -> None:
        try:
            client.set(RETOUCH_ALIVE_KEY, os.getpid(), ex=ALIVE_SECONDS)
        except redis.RedisError:
            # The lines say that Redis is away.
            return

    def _client(self) -> redis.Redis:
        return redis.Redis.from_url(
            self._redis_url,
            socket_timeout=_WAIT_SECONDS + 4,
            socket_connect_timeout=2,
            retry=Retry(NoBackoff(), 0),
        )

    def _end_if_hung(self) -> None:
        now = time.monotonic()
        hung = [line for line, since in self._busy_since.items() if now - since > _HUNG_SECONDS]
        if hung:
            log.error("a request hangs; leaving", extra={"facts": {"lines": ",".join(hung)}})
            os._exit(EXIT_HUNG)

    def _serve_line(self, line: str) -> None:
        client = self._client()
        while not self._leaving.is_set():
            try:
                self._serve_one(client, line)
            except redis.RedisError as error:
                log.warning("redis is away", extra={"facts": {"reason": error}})
                self._leaving.wait(_AWAY_SECONDS)
        client.close()

    def _serve_one(self, client: redis.Redis, line: str) -> None:
        popped = cast("tuple[bytes, bytes] | None", client.brpop([line], timeout=_WAIT_SECONDS))
        if popped is None:
            return
        name = popped[1].decode("ascii", "replace")
        if not is_request_id(name):
            log.warning("no request", extra={"facts": {"name": name[:80]}})
            return
        text = cast("bytes | None", client.getdel(RETOUCH_REQUEST_KEY + name))
        if text is None:
            return
        self._busy_since[line] = time.monotonic()
        try:
            answer = json.dumps(self._answer(text), separators=(",", ":"))
        finally:
            del self._busy_since[line]
        with client.pipeline() as pipeline:
            pipeline.rpush(RETOUCH_ANSWER_KEY + name, answer)
            pipeline.expire(RETOUCH_ANSWER_KEY + name, ANSWER_SECONDS)
            pipeline.execute()
        if resident_bytes(os.getpid()) > self._memory_bytes:
            log.warning("grown too large; leaving")
            self.leave()

    def _answer(self, text: bytes) -> dict[str, Any]:
        started, cpu = time.monotonic(), time.thread_time()
        facts: dict[str, Any] = {}
        try:
            request = request_from_json(text)
            facts = {"do": request.do, "photo": request.photo_key, "steps": len(request.steps)}
            answer = {"ok": True, **self._acts[request.do](request)}
        except WorkerError as error:
            answer = {"ok": False, "code": error.code, "detail": error.detail[:_MAX_DETAIL]}
        except Exception as error:  # a bug in one request must not end the others
            log.exception("request failed", extra={"facts": facts})
            answer = {"ok": False, "code": "engine.failed", "detail": type(error).__name__}
        facts |= {
            "seconds": round(time.monotonic() - started, 3),
            "cpu": round(time.thread_time() - cpu, 3),
            "code": answer.get("code", ""),
        }
        log.info("answered", extra={"facts": facts})
        return answer
