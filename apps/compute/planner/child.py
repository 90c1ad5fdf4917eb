"""Runs a scenario in a process of its own: two seconds of computing stall no other page.

Owns the process's life: one at a time for each web process, a limit on its time, nothing inherited
but the import paths. Does not know what is asked.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import threading
from functools import cache
from pathlib import Path
from typing import Final

from apps.compute.planner.scenario import Demand, ScenarioResult, Variant, result_of, to_json
from apps.core.errors import UnavailableError

ROOT: Final = Path(__file__).resolve().parents[3]
WALL_SECONDS: Final = 20.0
"""Far above the two seconds of computing that a question is cut to: the machine may be busy."""
QUEUE_SECONDS: Final = 5.0
_one_at_a_time = threading.BoundedSemaphore(1)

# Isolated (-I): no environment variable or user folder puts another module in place of ours. The
# rendering workers come first on a machine that is busy with them.
_PROGRAM: Final = (
    "import os, sys; os.nice(10); sys.path[:0] = sys.argv[1:];"
    "from apps.compute.planner.scenario import main; main()"
)


def simulate_apart(demand: Demand, variants: tuple[Variant, ...]) -> ScenarioResult:
    """Return what `scenario.run_scenario` returns.

    Raises
    ------
    UnavailableError
        ``planner.busy`` while somebody else's question is computed, ``planner.too_slow`` if it
        takes longer than `WALL_SECONDS`.
    RuntimeError
        If the process fails: a bug; its last words are in the message.
    """
    if not _one_at_a_time.acquire(timeout=QUEUE_SECONDS):
        raise UnavailableError(
            "planner.busy", "The planner computes another answer. Ask again in some seconds."
        )
    try:
        done = subprocess.run(  # noqa: S603 - our own program, no shell
            [sys.executable, "-I", "-B", "-c", _PROGRAM, *_import_paths()],
            input=to_json(demand, variants),
            capture_output=True,
            text=True,
            timeout=WALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(
            "planner.too_slow",
            "The server is too busy to compute this now. Ask again when less is rendered.",
        ) from error
    finally:
        _one_at_a_time.release()
    if done.returncode:
        raise RuntimeError(f"the planner's process failed: {done.stderr.strip()[-500:]}")
    return result_of(json.loads(done.stdout))


@cache
def _import_paths() -> tuple[str, ...]:
    spec = importlib.util.find_spec("numpy")
    if spec is None or spec.origin is None:
        raise UnavailableError("planner.numpy_missing", "numpy is not installed on the server.")
    return (str(ROOT), str(Path(spec.origin).parents[1]))
