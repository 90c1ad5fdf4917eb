"""What a worker of the diffusion lane renders with: all kinds, with a network loaded beforehand.

Owns what is done once in the engine child. Rendering itself is the `runner`'s.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

import numpy as np

from gpu_workers.config import model_settings_from_environ
from gpu_workers.engines.backdrop_generator import BackdropGenerator, BackdropRequest, Sampling
from gpu_workers.engines.diffusion.pool import PoolSettings, open_pool
from gpu_workers.errors import DeviceError, ModelMissing, ModelRefused
from gpu_workers.pipelines import lifestyle, runner
from gpu_workers.pipelines.inputs import Read, Write
from gpu_workers.protocol import ProgressReport, RenderOrder, RenderResult

_WARM_STEPS: Final = 1


class _Painting:
    """The runner, told beforehand which orders come."""

    def __call__(
        self, order: RenderOrder, *, read: Read, write: Write, report: ProgressReport
    ) -> RenderResult:
        return runner.render(order, read=read, write=write, report=report)

    def expect(self, orders: Sequence[RenderOrder], *, read: Read, write: Write) -> None:
        """Note the orders of a batch, so that their pictures are painted together."""
        lifestyle.expect(orders, read=read, write=write)


render: Final = _Painting()


def prepare() -> None:
    """Load the operator's checkpoint and paint one picture, so that the first order waits for none.

    Raises
    ------
    DeviceError
        If there is nothing to paint with: such a machine is of no use to its lane.
    """
    # A child that outgrows this is replaced by its worker: weights that cannot stay below it would
    # be read again for every batch.
    memory_bytes = model_settings_from_environ(os.environ).memory_bytes
    settings = PoolSettings.from_environ(os.environ).within(memory_bytes)
    try:
        warm(open_pool(settings).generator())
    except (ModelMissing, ModelRefused) as error:
        raise DeviceError(error.detail) from error


def warm(generator: BackdropGenerator) -> None:
    """Paint one picture of one step in the first size: loads kernels and fits the previews."""
    width, height = generator.checkpoint.sizes[0]
    # Slow changes of all three colors over the whole picture.
    across = np.linspace(0, 255, width, dtype=np.float32)
    down = np.linspace(0, 255, height, dtype=np.float32)[:, np.newaxis]
    chart = np.dstack(
        [
            np.broadcast_to(across, (height, width)),
            np.broadcast_to(down, (height, width)),
            np.abs(across - down),
        ]
    ).astype(np.uint8)
    mask = np.ones((height, width), np.bool_)
    mask[height // 4 : height // 2, width // 4 : width // 2] = False
    sampling = Sampling(_WARM_STEPS, generator.checkpoint.guidance, 1.0)
    generator.generate([BackdropRequest(chart, mask, "gray", "text", 0, sampling)])
