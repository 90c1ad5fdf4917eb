"""Settings of a worker process, read once from the environment, typed.

Owns every variable a worker understands. A wrong value ends the start with one sentence that
names the variable and the cure. Standard library only.
"""

from __future__ import annotations

import os
import re
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args
from urllib.parse import urlsplit

from gpu_workers.protocol import Engine, WorkerClass, lane

_GIB = 1024**3
_ROOT = Path(__file__).resolve().parents[1]
_WORKER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_DOTTED_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+\Z")


EngineDevice: TypeAlias = Literal["cpu", "cuda"]


class SettingInvalid(ValueError):
    """A variable has a value that this worker cannot use; the message names both."""


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """All settings of one worker."""

    redis_url: str
    storage_url: str
    """``file:///absolute/folder`` or ``s3://bucket/prefix``."""
    worker: str
    """Unique name of this worker, at most 64 characters."""
    worker_class: WorkerClass
    engine: Engine
    beat_seconds: float
    """Interval of heartbeats; the lease on the other side lasts several of them."""
    grace_seconds: float
    """Time a SIGTERM leaves to the running batch before its orders are handed back."""
    engine_threads: int
    """Threads each numeric library may use inside the engine child."""
    renderer: str = ""
    """Dotted name of the render function; empty means the one `registry` knows for the engine."""
    engine_recycle_orders: int = 500
    """Orders after which the engine child is replaced, between two batches."""
    engine_memory_bytes: int = 3 * _GIB
    """Resident memory above which the child is replaced between two batches; a child that
    reaches twice as much is ended at once."""
    engine_start_seconds: float = 120.0
    """Time a fresh engine child has to load its libraries and weights."""
    fonts_dir: Path | None = None
    """The operator's own fonts, for pictures with words; None has none."""
    dies_with_parent: bool = False
    """Whether the worker drains and leaves when the process that started it is gone (Linux)."""

    @property
    def lane(self) -> str:
        """The one queue this worker listens on."""
        return lane(self.worker_class, self.engine)


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which trained networks this machine may load, where they lie and what they may use."""

    folder: Path
    """Folder of the weights on this machine."""
    allowed: frozenset[str]
    """Names of models that the operator allows though their licence is unclear or forbids it."""
    segmenter: str
    """What ``auto`` stands for: ``classical``, or ``rembg:`` and the name of a model."""
    device: EngineDevice
    threads: int
    memory_bytes: int
    """As ``WorkerConfig.engine_memory_bytes``."""


def model_settings_from_environ(environ: Mapping[str, str] = os.environ) -> ModelSettings:
    """Read the settings of trained networks; none of them is required.

    Raises
    ------
    SettingInvalid
        If a value is out of range.
    """
    var = Path(environ.get("PACKSHOT_VAR_DIR") or _ROOT / "var")
    names = environ.get("PACKSHOT_ALLOW_MODELS", "").split(",")
    return ModelSettings(
        folder=Path(environ.get("PACKSHOT_MODELS_DIR") or var / "models").absolute(),
        allowed=frozenset(name.strip() for name in names if name.strip()),
        segmenter=environ.get("PACKSHOT_SEGMENTER") or "classical",
        device=_choice(environ, "PACKSHOT_ENGINE_DEVICE", "cpu", get_args(EngineDevice)),  # type: ignore[arg-type]
        threads=_engine_threads(environ),
        memory_bytes=_engine_memory_bytes(environ),
    )


def config_from_environ(environ: Mapping[str, str] = os.environ) -> WorkerConfig:
    """Read the settings.

    Raises
    ------
    SettingInvalid
        If a required variable is missing or a value is out of range.
    """
    return WorkerConfig(
        redis_url=_redis_url(_required(environ, "PACKSHOT_REDIS_URL", "redis://host:6379/0")),
        storage_url=_required(environ, "PACKSHOT_STORAGE_URL", "file:///srv/packshot/media"),
        worker=_matching(
            environ,
            "PACKSHOT_WORKER_NAME",
            _generated_name(),
            _WORKER_NAME,
            "1 to 64 letters, digits, dots, hyphens or underscores",
        ),
        worker_class=_choice(environ, "PACKSHOT_WORKER_CLASS", "cpu", get_args(WorkerClass)),  # type: ignore[arg-type]
        engine=_choice(environ, "PACKSHOT_WORKER_ENGINE", "classical", get_args(Engine)),  # type: ignore[arg-type]
        beat_seconds=_number(environ, "PACKSHOT_WORKER_BEAT_SECONDS", 5.0, 0.1, 60.0),
        grace_seconds=_number(environ, "PACKSHOT_WORKER_GRACE_SECONDS", 20.0, 0.0, 600.0),
        engine_threads=_engine_threads(environ),
        renderer=_matching(
            environ,
            "PACKSHOT_WORKER_RENDERER",
            "",
            _DOTTED_NAME,
            "a dotted name such as gpu_workers.pipelines.runner.render",
        ),
        engine_recycle_orders=int(
            _number(environ, "PACKSHOT_ENGINE_RECYCLE_ORDERS", 500, 1, 1_000_000)
        ),
        engine_memory_bytes=_engine_memory_bytes(environ),
        engine_start_seconds=_number(environ, "PACKSHOT_ENGINE_START_SECONDS", 120.0, 1.0, 3600.0),
        fonts_dir=fonts_folder(environ),
        dies_with_parent=_choice(environ, "PACKSHOT_DIE_WITH_PARENT", "0", ("0", "1")) == "1",
    )


def _engine_threads(environ: Mapping[str, str]) -> int:
    return int(_number(environ, "PACKSHOT_ENGINE_THREADS", 1, 1, 256))


def _engine_memory_bytes(environ: Mapping[str, str]) -> int:
    low, high = 64 * 1024**2, 1024**4
    return int(_number(environ, "PACKSHOT_ENGINE_MEMORY_BYTES", 3 * _GIB, low, high))


def fonts_folder(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the folder with the operator's own fonts, if there is one.

    Raises
    ------
    SettingInvalid
        If ``PACKSHOT_FONTS_DIR`` names no folder.
    """
    value = environ.get("PACKSHOT_FONTS_DIR", "")
    if not value:
        return None
    if not Path(value).is_dir():
        raise SettingInvalid(
            f"PACKSHOT_FONTS_DIR={value!r} is no folder; create it or leave it out"
        )
    return Path(value)


def _generated_name() -> str:
    host = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())[:40].strip("-") or "host"
    return f"{host}-{uuid.uuid4().hex[:8]}"


def _matching(
    environ: Mapping[str, str], name: str, default: str, pattern: re.Pattern[str], wanted: str
) -> str:
    value = environ.get(name) or default
    if value and not pattern.match(value):
        raise SettingInvalid(f"{name}={value!r} is not {wanted}")
    return value


def _required(environ: Mapping[str, str], name: str, example: str) -> str:
    value = environ.get(name, "")
    if not value:
        raise SettingInvalid(f"{name} is not set; give it a value such as {example}")
    return value


def _redis_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        known = parts.scheme in ("redis", "rediss", "unix") and parts.port != 0
    except ValueError:
        known = False
    if not known:
        # The value is not repeated: it may hold a password.
        raise SettingInvalid("PACKSHOT_REDIS_URL is no URL such as redis://host:6379/0")
    return value


def _choice(environ: Mapping[str, str], name: str, default: str, known: tuple[str, ...]) -> str:
    value = environ.get(name, default)
    if value not in known:
        raise SettingInvalid(f"{name}={value!r} is not one of {', '.join(known)}")
    return value


def _number(
    environ: Mapping[str, str], name: str, default: float, low: float, high: float
) -> float:
    text = environ.get(name, str(default))
    try:
        value = float(text)
    except ValueError:
        raise SettingInvalid(f"{name}={text!r} is not a number") from None
    if not low <= value <= high:
        raise SettingInvalid(f"{name}={text} is not within {low} to {high}")
    return value
