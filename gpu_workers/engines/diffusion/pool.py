"""The backdrop generators of one process: loaded when asked for, moved when room is needed.

Owns what is loaded and where it lies; who makes room for whom is `residency`'s. There is one pool
in a process that paints and none in the others: `open_pool` makes it, in the engine child only,
since what is forked from a process that has touched CUDA cannot use CUDA.

Variables: ``PACKSHOT_MODELS_DIR``, ``PACKSHOT_ALLOW_MODELS``; ``PACKSHOT_DIFFUSION_CHECKPOINT``,
what is painted with where the order names none; ``PACKSHOT_DIFFUSION_DEVICE``, ``auto``, ``cpu`` or
``cuda:0``; ``PACKSHOT_DIFFUSION_COMPILE``, 1 to let torch compile, which costs a minute or more at
the start.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gpu_workers.config import model_settings_from_environ
from gpu_workers.engines.backdrop_generator import BackdropGenerator
from gpu_workers.engines.checkpoint_manifest import require_recorded
from gpu_workers.engines.checkpoints import (
    DEFAULT_CHECKPOINT,
    MODELS_DIR_VARIABLE,
    Checkpoint,
    allowed_names,
    find,
    require,
)
from gpu_workers.engines.residency import Resident, TooLarge, plan_moves
from gpu_workers.errors import ModelMissing, ModelRefused

if TYPE_CHECKING:
    from gpu_workers.engines.diffusion.engine import DiffusionEngine

CHECKPOINT_VARIABLE: Final = "PACKSHOT_DIFFUSION_CHECKPOINT"
DEVICE_VARIABLE: Final = "PACKSHOT_DIFFUSION_DEVICE"
COMPILE_VARIABLE: Final = "PACKSHOT_DIFFUSION_COMPILE"
MEMORY_VARIABLE: Final = "PACKSHOT_ENGINE_MEMORY_BYTES"


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """What the operator has said."""

    models_dir: Path | None
    allowed: frozenset[str]
    checkpoint: str = DEFAULT_CHECKPOINT
    device: str = "auto"
    is_compiled: bool = False
    memory_bytes: int | None = None
    """Host memory that the process may reach before its worker replaces it; None has no end."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> PoolSettings:
        """Read the settings."""
        return cls(
            models_dir=model_settings_from_environ(environ).folder,
            allowed=allowed_names(environ),
            checkpoint=environ.get(CHECKPOINT_VARIABLE) or DEFAULT_CHECKPOINT,
            device=environ.get(DEVICE_VARIABLE) or "auto",
            is_compiled=environ.get(COMPILE_VARIABLE) == "1",
        )

    def within(self, memory_bytes: int) -> PoolSettings:
        """Return the settings for a process that may reach so much memory."""
        return replace(self, memory_bytes=memory_bytes)


@dataclass(slots=True)
class _Loaded:
    engine: DiffusionEngine
    used: int
    is_on_device: bool = False


class EnginePool:
    """Generators by name, as many as fit."""

    def __init__(
        self,
        settings: PoolSettings,
        *,
        device: Any,
        device_budget_bytes: int,
        host_budget_bytes: int,
        load: Callable[[Checkpoint, Path, Path | None], DiffusionEngine],
    ) -> None:
        self._settings = settings
        self._device = device
        self._device_budget = device_budget_bytes
        self._host_budget = host_budget_bytes
        self._load = load
        self._loaded: dict[str, _Loaded] = {}
        self._clock = 0
        self._lock = threading.RLock()

    def generator(self, name: str = "") -> BackdropGenerator:
        """Return a generator whose weights are on the device.

        Parameters
        ----------
        name
            A checkpoint's; empty is the operator's choice.

        Raises
        ------
        ModelMissing
            If its weights are not on this machine.
        ModelRefused
            If it is unknown, may not be used, does not fit this machine, or if its files are not
            those that were recorded: they are hashed before they are first loaded.
        """
        checkpoint = find(name or self._settings.checkpoint)
        require(checkpoint, self._settings.models_dir, self._settings.allowed)
        with self._lock:
            self._clock += 1
            self._make_room(checkpoint)
            loaded = self._loaded.get(checkpoint.name)
            if loaded is None:
                loaded = _Loaded(self._read(checkpoint), self._clock)
                self._loaded[checkpoint.name] = loaded
                # Now that its true weight is known.
                self._make_room(checkpoint)
            loaded.engine.come()
            loaded.is_on_device = True
            loaded.used = self._clock
            return loaded.engine

    def names(self, *, on_device: bool = False) -> tuple[str, ...]:
        """Return what is loaded, or what of it is on the device, in order of its last use."""
        by_use = sorted(self._loaded.items(), key=lambda item: item[1].used)
        return tuple(name for name, each in by_use if each.is_on_device or not on_device)

    def _read(self, checkpoint: Checkpoint) -> DiffusionEngine:
        base = None
        if checkpoint.base:
            base = self._checked(find(checkpoint.base))
        return self._load(checkpoint, self._checked(checkpoint), base)

    def _checked(self, checkpoint: Checkpoint) -> Path:
        """Return the folder of a checkpoint whose files are those that were recorded."""
        models_dir = self._settings.models_dir
        folder = require(checkpoint, models_dir, self._settings.allowed)
        if models_dir is not None:
            require_recorded(checkpoint, models_dir)
        return folder

    def _make_room(self, checkpoint: Checkpoint) -> None:
        there = [
            Resident(name, each.engine.weights.weight_bytes, each.used)
            for name, each in self._loaded.items()
        ]
        known = self._loaded.get(checkpoint.name)
        weight = known.engine.weights.weight_bytes if known else checkpoint.weight_bytes
        try:
            moves = plan_moves(
                Resident(checkpoint.name, weight, self._clock),
                [each for each in there if self._loaded[each.name].is_on_device],
                there,
                device_budget_bytes=self._device_budget,
                host_budget_bytes=self._host_budget,
                working_bytes=checkpoint.working_bytes,
            )
        except TooLarge as error:
            raise ModelRefused(
                f"{error}; choose a smaller checkpoint, or raise {MEMORY_VARIABLE} where it is "
                "host memory that lacks"
            ) from error
        for name in moves.offload:
            self._loaded[name].engine.leave()
            self._loaded[name].is_on_device = False
        for name in moves.drop:
            del self._loaded[name]


_open: list[EnginePool] = []


def open_pool(settings: PoolSettings) -> EnginePool:
    """Make this process one that paints; the networks' libraries are imported here.

    Raises
    ------
    DeviceError
        If the device is not there or cannot be used.
    ModelMissing
        If the libraries are not installed.
    """
    try:
        from gpu_workers.engines.diffusion import architectures, devices  # noqa: PLC0415
    except ImportError as error:
        raise ModelMissing(
            f"the libraries of the networks are not installed ({error}): install the engine "
            "packages, requirements-engine.lock"
        ) from error
    device = devices.choose_device(settings.device)
    devices.prepare(device)

    def load(checkpoint: Checkpoint, folder: Path, base: Path | None) -> DiffusionEngine:
        engine = architectures.engine_class(checkpoint.architecture).load(
            checkpoint, folder, device=device, base=base
        )
        if settings.is_compiled:
            engine.compile()
        return engine

    pool = EnginePool(
        settings,
        device=device,
        device_budget_bytes=devices.device_budget_bytes(device),
        host_budget_bytes=min(
            devices.host_budget_bytes(), settings.memory_bytes or devices.host_budget_bytes()
        ),
        load=load,
    )
    _open[:] = [pool]
    return pool


def generator(name: str = "") -> BackdropGenerator:
    """Return a generator of this process's pool; see `EnginePool.generator`.

    Raises
    ------
    ModelMissing
        If this process is none that paints.
    """
    if not _open:
        raise ModelMissing(
            "this worker paints no backdrops; start one with PACKSHOT_WORKER_ENGINE=diffusion on "
            f"a machine with weights in {MODELS_DIR_VARIABLE}"
        )
    return _open[0].generator(name)
