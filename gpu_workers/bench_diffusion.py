"""``python -m gpu_workers bench diffusion``: how fast networks of full size paint on this device.

Owns what is measured and how it is printed. The weights are random, which changes no time: shapes,
calls and files are those of the published checkpoints. Nothing is fetched.

* *ceiling*: the best rate of a large matrix product on this device, in the same run
* *step*: time between two steps of a batch, the fastest pair of neighbors in the run
* *achieved*: floating-point operations of the denoiser in one step (counted by torch, multiply and
  add as two) over that time
* *gain*: pictures per second in batches over one by one
* *cold load*: from files of this machine's disk, just written, to a first picture's readiness
* *swap*: from host memory to the device
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gpu_workers.engines.backdrop_generator import BackdropRequest, Sampling, Step
from gpu_workers.engines.checkpoints import CHECKPOINTS, Architecture, Checkpoint
from gpu_workers.errors import DeviceError, WorkerError

if TYPE_CHECKING:
    from gpu_workers.engines.diffusion.engine import DiffusionEngine

_MATRIX: Final = {"cuda": 8192, "cpu": 1024}
_ROUNDS: Final = {"cuda": 20, "cpu": 3}
_MIB: Final = 1024**2
_DISK_MARGIN: Final = 1.1


@dataclass(frozen=True, slots=True)
class BatchFigures:
    """One batch size."""

    batch: int
    at_once: int
    """How many of them were painted together: fewer than asked for where memory ran out."""
    seconds: float
    """From asking to having all pictures."""
    images_per_second: float
    step_seconds: float | None
    """None where a single step leaves nothing between two."""
    achieved_tflops: float | None
    ceiling_share: float | None
    gain: float
    """Images per second over those of the first batch size measured."""
    peak_memory_mib: float | None
    """Most that was allocated on the device; None on a CPU."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One architecture on one device."""

    architecture: str
    device: str
    torch: str
    size: int
    steps: int
    parameters: int
    weight_mib: float
    ceiling_tflops: float
    step_tflop_per_image: float
    cold_load_seconds: float
    swap_seconds: float
    first_image_seconds: float
    """One picture of an engine that has painted before, from asking to having it."""
    batches: tuple[BatchFigures, ...]


def run(chosen: argparse.Namespace) -> int:
    """Measure what the command line names; return the process's exit code."""
    if chosen.size % 32 or chosen.size < 32 or min(chosen.batch) < 1 or chosen.steps < 1:
        sys.stderr.write(
            "--size takes a multiple of 32, --batch and --steps numbers of 1 or more.\n"
        )
        return 2
    try:
        for architecture in chosen.architecture:
            figures = measure(
                architecture,
                size=chosen.size,
                batch_sizes=chosen.batch,
                steps=chosen.steps,
                guidance=chosen.guidance,
                device_name=chosen.device,
                tiny=chosen.tiny,
                is_compiled=chosen.compile,
            )
            text = json.dumps(asdict(figures)) if chosen.json else table(figures)
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
    except ImportError as error:
        sys.stderr.write(f"The engine packages are not installed: {error}.\n")
        return 2
    except WorkerError as error:
        sys.stderr.write(f"{error.detail or error.code}\n")
        return 1
    return 0


def measure(
    architecture: Architecture,
    *,
    size: int,
    batch_sizes: Sequence[int],
    steps: int,
    guidance: float | None,
    device_name: str,
    tiny: bool,
    is_compiled: bool = False,
) -> Figures:
    """Build an architecture with random weights and measure it.

    Raises
    ------
    DeviceError
        If the device is not there, or the disk has no room for a copy of the weights.
    EngineError
        If a picture does not fit into its memory.
    """
    import torch  # noqa: PLC0415

    from gpu_workers.engines.diffusion import architectures, devices  # noqa: PLC0415
    from gpu_workers.engines.diffusion.engine import silence_libraries  # noqa: PLC0415
    from gpu_workers.engines.diffusion.random_weights import build, save  # noqa: PLC0415

    silence_libraries()
    device = devices.choose_device(device_name)
    devices.prepare(device)
    checkpoint = _checkpoint(architecture, size)
    sampling = Sampling(steps, checkpoint.guidance if guidance is None else guidance, 1.0)
    if not tiny:
        _refuse_small_disk(checkpoint)
    ceiling = matrix_ceiling(device)
    with tempfile.TemporaryDirectory(prefix="packshot-bench-") as folder:
        dtype = devices.number_type(device)
        pipeline = build(architecture, tiny=tiny, device=str(device), dtype=dtype)
        save(pipeline, Path(folder))
        del pipeline
        devices.give_back_memory(device)
        start = time.perf_counter()
        engine = architectures.engine_class(architecture).load(
            checkpoint, Path(folder), device=device
        )
        engine.come()
        devices.wait_for(device)
        cold_load = time.perf_counter() - start
    engine.most_at_once = max(batch_sizes)
    asked = [_request(checkpoint, sampling, seed) for seed in range(max(batch_sizes))]
    flops = step_flops(engine, asked[:1])
    if is_compiled:
        # Afterwards: operations are counted one by one, and not as what they are compiled to.
        engine.compile()
        engine.generate(asked[:1])
    first = _timed(engine, asked[:1])
    measured = [_batch(engine, asked[:batch], flops, ceiling) for batch in batch_sizes]
    engine.leave()
    start = time.perf_counter()
    engine.come()
    devices.wait_for(device)
    swap = time.perf_counter() - start
    denoiser = getattr(engine.pipeline, engine.denoiser)
    return Figures(
        architecture=architecture,
        device=devices.describe(device),
        torch=str(torch.__version__),
        size=size,
        steps=steps,
        parameters=sum(each.numel() for each in denoiser.parameters()),
        weight_mib=round(engine.weights.weight_bytes / _MIB, 1),
        ceiling_tflops=_rounded(ceiling / 1e12),
        step_tflop_per_image=_rounded(flops / 1e12),
        cold_load_seconds=round(cold_load, 3),
        swap_seconds=round(swap, 3),
        first_image_seconds=round(first, 3),
        batches=tuple(
            replace(each, gain=round(each.images_per_second / measured[0].images_per_second, 3))
            for each in measured
        ),
    )


def matrix_ceiling(device: Any) -> float:
    """Return the best rate of a large square matrix product, in operations per second."""
    import torch  # noqa: PLC0415

    from gpu_workers.engines.diffusion import devices  # noqa: PLC0415

    side = _MATRIX[device.type]
    dtype = devices.number_type(device)
    one, other = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    best = 0.0
    for number in range(_ROUNDS[device.type] + 2):
        devices.wait_for(device)
        start = time.perf_counter()
        torch.matmul(one, other)
        devices.wait_for(device)
        # The first two choose kernels and wake the clock.
        if number >= 2:
            best = max(best, 2 * side**3 / (time.perf_counter() - start))
    return best


def step_flops(engine: DiffusionEngine, asked: Sequence[BackdropRequest]) -> float:
    """Return the operations of the denoiser, and of its ControlNet, in one step of one picture."""
    from torch.utils.flop_counter import FlopCounterMode  # noqa: PLC0415

    networks = [getattr(engine.pipeline, engine.denoiser)]
    if hasattr(engine.pipeline, "controlnet"):
        networks.append(engine.pipeline.controlnet)
    counted: list[float] = []
    for network in networks:
        whole = network.forward

        def counting(*arguments: Any, whole: Any = whole, **named: Any) -> Any:
            with FlopCounterMode(display=False) as counter:
                result = whole(*arguments, **named)
            counted.append(float(counter.get_total_flops()))
            return result

        network.forward = counting
    told: list[Step] = []
    try:
        engine.generate(asked, watch=told.append)
    finally:
        for network in networks:
            # The class's own is seen again.
            del network.forward
    return sum(counted) / len(told)


def _batch(
    engine: DiffusionEngine, asked: Sequence[BackdropRequest], flops: float, ceiling: float
) -> BatchFigures:
    import torch  # noqa: PLC0415

    from gpu_workers.engines.diffusion import devices  # noqa: PLC0415

    on_gpu = engine.device.type == "cuda"
    _timed(engine, asked)
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(engine.device)
    seconds = min(_timed(engine, asked) for _ in range(3 if on_gpu else 1))
    moments: list[float] = []

    def note(_step: Step) -> None:
        devices.wait_for(engine.device)
        moments.append(time.perf_counter())

    engine.generate(asked, watch=note)
    step = min(np.diff(moments)) if len(moments) > 1 else None
    at_once = min(len(asked), engine.most_at_once)
    achieved = None if step is None else flops * at_once / float(step)
    peak = torch.cuda.max_memory_allocated(engine.device) / _MIB if on_gpu else None
    return BatchFigures(
        batch=len(asked),
        at_once=at_once,
        seconds=round(seconds, 4),
        images_per_second=_rounded(len(asked) / seconds),
        step_seconds=None if step is None else round(float(step), 5),
        achieved_tflops=None if achieved is None else _rounded(achieved / 1e12),
        ceiling_share=None if achieved is None else _rounded(achieved / ceiling),
        gain=1.0,
        peak_memory_mib=None if peak is None else round(peak, 1),
    )


def _timed(engine: DiffusionEngine, asked: Sequence[BackdropRequest]) -> float:
    # As if none of these pictures had been seen before.
    engine.encodings.forget()
    start = time.perf_counter()
    engine.generate(asked)
    return time.perf_counter() - start


def _refuse_small_disk(checkpoint: Checkpoint) -> None:
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if free < _DISK_MARGIN * checkpoint.weight_bytes:
        raise DeviceError(
            f"a copy of the weights takes {checkpoint.weight_bytes / 1e9:.0f} GB for a while and "
            f"{folder} has {free / 1e9:.0f} left; name a folder with more room in TMPDIR"
        )


def _checkpoint(architecture: Architecture, size: int) -> Checkpoint:
    known = next(each for each in CHECKPOINTS if each.architecture == architecture)
    return replace(known, sizes=((size, size),))


def _request(checkpoint: Checkpoint, sampling: Sampling, seed: int) -> BackdropRequest:
    side = checkpoint.sizes[0][0]
    init = np.random.default_rng(seed).integers(0, 255, (side, side, 3), dtype=np.uint8)
    mask = np.ones((side, side), np.bool_)
    mask[side // 4 : 3 * side // 4, side // 3 : 2 * side // 3] = False
    return BackdropRequest(init, mask, "a cup on a table", "text", seed, sampling)


def table(figures: Figures) -> str:
    """Return the figures of one architecture as text."""
    head = (
        f"{figures.architecture} on {figures.device}, torch {figures.torch}: {figures.size} px, "
        f"{figures.steps} steps\n"
        f"  denoiser {figures.parameters / 1e9:.3f} billion parameters, all weights "
        f"{figures.weight_mib:,.0f} MiB\n"
        f"  ceiling {figures.ceiling_tflops:g} TFLOP/s; {figures.step_tflop_per_image:g} TFLOP a "
        f"step and picture\n"
        f"  cold load {figures.cold_load_seconds:.2f} s, swap {figures.swap_seconds:.2f} s, one "
        f"picture when warm {figures.first_image_seconds:.2f} s\n"
        "  batch  at once  seconds  images/s     step s  TFLOP/s  of ceiling   gain  peak MiB\n"
    )
    rows = [
        f"  {each.batch:5d} {each.at_once:8d} {each.seconds:8.3f} {each.images_per_second:9.3f} "
        f"{_cell(each.step_seconds, '10.4f')} {_cell(each.achieved_tflops, '8.3g')} "
        f"{_cell(each.ceiling_share, '11.1%')} {each.gain:6.2f} "
        f"{_cell(each.peak_memory_mib, '9,.0f')}"
        for each in figures.batches
    ]
    return head + "\n".join(rows)


def _cell(value: float | None, form: str) -> str:
    width = int("".join(each for each in form.split(".", maxsplit=1)[0] if each.isdigit()))
    return format(value, form) if value is not None else "–".rjust(width)


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
