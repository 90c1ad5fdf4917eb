"""How many workers of each class this machine has room for, and which device each one gets.

Owns the finding of GPUs, without torch, and the pure choice of a free one. Memory in MiB.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gpu_workers.config import SettingInvalid
from gpu_workers.protocol import WorkerClass

LARGE_GPU_MIB: Final = 40_000
"""From this memory on a GPU makes a worker of class ``gpu-large``."""
_DRIVER_FOLDER: Final = Path("/proc/driver/nvidia/gpus")
_QUERY_SECONDS: Final = 20.0
_GPU = re.compile(r"(?P<device>[A-Za-z0-9-]+)(:(?P<worker_class>gpu|gpu-large))?\Z")


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU and the class of worker it makes."""

    device: str
    """What ``CUDA_VISIBLE_DEVICES`` takes: an index or a UUID."""
    worker_class: WorkerClass


@dataclass(frozen=True, slots=True)
class Slots:
    """Room on this machine: one worker for each CPU slot and each GPU."""

    cpus: int
    gpus: tuple[Gpu, ...]

    def capacity(self) -> dict[str, int]:
        """Return how many workers of each class fit at once; classes without room left out."""
        counts = {"cpu": self.cpus}
        for gpu in self.gpus:
            counts[gpu.worker_class] = counts.get(gpu.worker_class, 0) + 1
        return {name: count for name, count in counts.items() if count}

    def free_device(self, worker_class: str, taken: Collection[str]) -> str | None:
        """Return the first device of a class that no worker has.

        Parameters
        ----------
        taken
            Devices of the running workers of this class, one entry for each of them; CPU workers
            have the device ``""``.

        Returns
        -------
        The device, ``""`` for a CPU slot, or None if there is no room.

        Examples
        --------
        >>> slots = Slots(1, (Gpu("0", "gpu"), Gpu("1", "gpu")))
        >>> slots.free_device("gpu", ["0"])
        '1'
        >>> slots.free_device("cpu", [""]) is None
        True
        """
        if worker_class == "cpu":
            return "" if len(taken) < self.cpus else None
        devices = [gpu.device for gpu in self.gpus if gpu.worker_class == worker_class]
        return next((device for device in devices if device not in taken), None)


def slots_from_environ(environ: Mapping[str, str] = os.environ) -> Slots:
    """Return this machine's room, as set or as found.

    Raises
    ------
    SettingInvalid
        If a variable cannot be used; the message names it and the cure.
    """
    return Slots(cpus=_cpu_slots(environ), gpus=_gpus(environ))


def _cpu_slots(environ: Mapping[str, str]) -> int:
    text = environ.get("PACKSHOT_CPU_SLOTS", "")
    if not text:
        return _usable_cpus()
    if not text.isdecimal() or int(text) > 1024:
        raise SettingInvalid(
            f"PACKSHOT_CPU_SLOTS={text!r} is not a whole number from 0 to 1024; "
            "leave it unset for one worker on each CPU"
        )
    return int(text)


def _usable_cpus() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return os.cpu_count() or 1


def _gpus(environ: Mapping[str, str]) -> tuple[Gpu, ...]:
    text = environ.get("PACKSHOT_GPUS", "")
    if text == "none":
        return ()
    if not text:
        return _found_gpus()
    gpus = []
    for part in text.split(","):
        match = _GPU.match(part.strip())
        if match is None:
            raise SettingInvalid(
                f"PACKSHOT_GPUS={text!r} is not a list such as 0,1 or 0:gpu-large,1:gpu, or none"
            )
        worker_class: WorkerClass = "gpu-large" if match["worker_class"] == "gpu-large" else "gpu"
        gpus.append(Gpu(match["device"], worker_class))
    return tuple(gpus)


def _found_gpus() -> tuple[Gpu, ...]:
    """Ask NVIDIA's tool, or where it is missing count what the driver lists."""
    tool = shutil.which("nvidia-smi")
    if tool is not None:
        query = [tool, "--query-gpu=index,memory.total", "--format=csv,noheader,nounits"]
        try:
            answer = subprocess.run(  # noqa: S603 -- NVIDIA's own tool, fixed arguments
                query, capture_output=True, text=True, timeout=_QUERY_SECONDS, check=True
            )
        except (OSError, subprocess.SubprocessError):
            # An installed tool without a driver says so by failing.
            return _listed_gpus(_DRIVER_FOLDER)
        return gpus_from_answer(answer.stdout.splitlines())
    return _listed_gpus(_DRIVER_FOLDER)


def gpus_from_answer(lines: Sequence[str]) -> tuple[Gpu, ...]:
    """Read the lines ``index, memory.total`` of nvidia-smi; memory it cannot tell counts as small.

    Examples
    --------
    >>> gpus_from_answer(["0, 81559", "1, 24564"])
    (Gpu(device='0', worker_class='gpu-large'), Gpu(device='1', worker_class='gpu'))
    """
    gpus = []
    for line in lines:
        index, _, memory = (part.strip() for part in line.partition(","))
        if index.isdecimal():
            is_large = memory.isdecimal() and int(memory) >= LARGE_GPU_MIB
            gpus.append(Gpu(index, "gpu-large" if is_large else "gpu"))
    return tuple(gpus)


def _listed_gpus(folder: Path) -> tuple[Gpu, ...]:
    try:
        count = sum(1 for _ in folder.iterdir())
    except OSError:
        return ()
    return tuple(Gpu(str(index), "gpu") for index in range(count))
