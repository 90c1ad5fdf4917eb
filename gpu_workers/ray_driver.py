"""``python -m gpu_workers.ray_driver HOST:PORT``: the conductor's hand in a Ray cluster.

Owns the one connection to the cluster, in a process of its own: Ray ends the process that has lost
its head, and that must never be the conductor. Reads requests from standard input and writes
answers to standard output, one JSON value a line; leaves when the input closes. Keeps nothing: all
that is known about workers stands in the cluster, as named actors and notes beside them.

Any trouble ends the process, after a last line that says what it was; who started it starts it
again. Besides `gpu_workers.ray_worker` the only module that speaks to Ray. Instants are float
seconds since the epoch.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TextIO

import ray
from ray._private import state
from ray.exceptions import ActorAlreadyExistsError, RayError
from ray.experimental import internal_kv
from ray.util import list_named_actors

from gpu_workers.logs import log_to_stderr
from gpu_workers.ray_worker import NAMESPACE, PLACE, RayWorker, write_note

_LAUNCH: Final = "launch/"
"""Prefix of the notes this module writes: what was launched under a name, and when."""
_MARKET: Final = "ray.io/market-type"
"""The label by which Ray's own launchers tell spot machines from others."""
_ASK_SECONDS: Final = 2.0
_NEW_SECONDS: Final = 60.0

Note = dict[str, Any]

log = logging.getLogger("gpu_workers.ray_driver")


class Fleet:
    """The workers of a cluster, as its actors and notes tell."""

    def __init__(self) -> None:
        self._begun: dict[str, ray.ObjectRef] = {}

    def workers(self) -> dict[str, Any]:
        """Tell all workers that have not ended, all machines, and who ended since the last call."""
        self._report_failures()
        named = set(list_named_actors())
        launched, placed = _notes(_LAUNCH), _notes(PLACE)
        ended = []
        for worker in sorted(launched.keys() - named):
            end = {"worker": worker, **launched[worker], **placed.get(worker, {})}
            # Another driver writes its note a moment before it has the actor made.
            if "ended" in end or time.time() - end["launched_at"] > _NEW_SECONDS:
                ended.append(end)
                _forget(worker)
        workers = [
            {"worker": worker, **launched[worker], **placed.get(worker, {})}
            for worker in sorted(named & launched.keys())
        ]
        return {"workers": workers, "ended": ended, "machines": _machines()}

    def launch(
        self,
        *,
        names: Sequence[str],
        about: Mapping[str, Any],
        slot: Mapping[str, float],
        environ: Mapping[str, str],
    ) -> Sequence[str]:
        """Start workers; the cluster itself refuses a second actor of one name."""
        keeper = ray.remote(RayWorker)
        for name in sorted(set(names) - set(list_named_actors())):
            _forget(name)
            write_note(_LAUNCH + name, {**about, "launched_at": time.time()})
            try:
                actor = keeper.options(
                    name=name, **_options(slot, is_spot=bool(about["is_spot"]))
                ).remote(name, dict(environ))
            except ActorAlreadyExistsError:
                continue
            self._begun[name] = actor.begun.remote()
        return list(names)

    def drain(self, *, worker: str) -> None:
        """Pass the wish on; a worker that was never placed has nothing to finish and ends."""
        actor = _actor(worker)
        if actor is None:
            return
        if worker not in _notes(PLACE):
            self._kill(worker, actor)
            return
        _await(actor.drain.remote())

    def terminate(self, *, worker: str) -> None:
        """End the worker's processes, then its actor."""
        actor = _actor(worker)
        if actor is None:
            return
        if worker in _notes(PLACE):
            _await(actor.end.remote())
        self._kill(worker, actor)

    def _kill(self, worker: str, actor: Any) -> None:
        self._begun.pop(worker, None)
        ray.kill(actor, no_restart=True)

    def _report_failures(self) -> None:
        """Tell the log why an actor could not begin: Ray says it to nobody else."""
        if not self._begun:
            return
        waiting = list(self._begun.values())
        answered = set(ray.wait(waiting, num_returns=len(waiting), timeout=0)[0])
        for worker, reference in list(self._begun.items()):
            if reference not in answered:
                continue
            del self._begun[worker]
            try:
                ray.get(reference)
            except RayError as error:
                facts = {"worker": worker, "reason": _first_line(error)}
                log.error("worker did not begin", extra={"facts": facts})


def _options(slot: Mapping[str, float], *, is_spot: bool) -> dict[str, Any]:
    own = {name: amount for name, amount in slot.items() if name not in ("CPU", "GPU")}
    return {
        "lifetime": "detached",
        # The autoscaler decides about a lost worker; Ray would bring it back behind its back.
        "max_restarts": 0,
        "num_cpus": slot.get("CPU", 0),
        "num_gpus": slot.get("GPU", 0),
        "resources": own,
        "label_selector": {_MARKET: "spot" if is_spot else "!spot"},
        # Ray would kill the worker with its keeper; asked by SIGTERM, it hands its orders back.
        "runtime_env": {"env_vars": {"RAY_kill_child_processes_on_worker_exit": "0"}},
    }


def _actor(worker: str) -> Any:
    try:
        return ray.get_actor(worker, namespace=NAMESPACE)
    except ValueError:
        return None


def _await(reference: ray.ObjectRef) -> None:
    """Wait for an actor, but not for one whose machine is silent: the cluster will miss it."""
    answered, _ = ray.wait([reference], timeout=_ASK_SECONDS)
    if answered:
        try:
            ray.get(answered[0])
        except RayError as error:
            log.warning("keeper was not reached", extra={"facts": {"reason": _first_line(error)}})


def _notes(prefix: str) -> dict[str, Note]:
    keys = internal_kv._internal_kv_list(prefix, namespace=NAMESPACE)  # noqa: SLF001 - as above
    notes = {}
    for key in keys:
        body = internal_kv._internal_kv_get(key, namespace=NAMESPACE)  # noqa: SLF001 - as above
        if body is not None:
            notes[key.decode().removeprefix(prefix)] = json.loads(body)
    return notes


def _forget(worker: str) -> None:
    for prefix in (_LAUNCH, PLACE):
        internal_kv._internal_kv_del(prefix + worker, namespace=NAMESPACE)  # noqa: SLF001 - as above


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), "")


def _machines() -> list[dict[str, Any]]:
    available = state.available_resources_per_node()
    return [
        {
            "place": node["NodeManagerAddress"],
            "resources": node["Resources"],
            "available": available.get(node["NodeID"], {}),
            "is_spot": node.get("Labels", {}).get(_MARKET) == "spot",
        }
        for node in ray.nodes()
        if node["Alive"]
    ]


def serve(requests: Iterable[str], answer: Callable[[object], None]) -> None:
    """Answer requests until there are no more."""
    fleet = Fleet()
    calls: dict[str, Callable[..., object]] = {
        "workers": fleet.workers,
        "launch": fleet.launch,
        "drain": fleet.drain,
        "terminate": fleet.terminate,
    }
    for line in requests:
        request = json.loads(line)
        answer({"answer": calls[request["call"]](**request["with"])})


def _lines_until_closed(source: TextIO) -> Iterable[str]:
    """Give the lines of the input; leave at once when it closes, even from within Ray."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        for line in source:
            lines.put(line)
        os._exit(0)

    threading.Thread(target=read, name="input", daemon=True).start()
    while True:
        yield lines.get()


def main(arguments: Sequence[str]) -> int:
    """Connect and serve."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # Whatever Ray or its libraries print must not look like an answer.
    os.dup2(2, 1)

    def answer(body: object) -> None:
        print(json.dumps(body), file=answers, flush=True)

    requests = _lines_until_closed(sys.stdin)
    log_to_stderr(worker="ray-driver")
    try:
        ray.init(arguments[0], namespace=NAMESPACE, log_to_driver=False, configure_logging=False)
        serve(requests, answer)
    except (RayError, RuntimeError, ConnectionError, ValueError) as error:
        answer({"error": f"{type(error).__name__}: {_first_line(error)}"})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
