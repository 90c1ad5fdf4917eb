"""Which class runs which architecture.

Owns the table. diffusers' own (`AutoPipelineForInpainting`) knows half of these.
"""

from __future__ import annotations

from typing import Final

from gpu_workers.engines.checkpoints import Architecture
from gpu_workers.engines.diffusion.engine import DiffusionEngine
from gpu_workers.engines.diffusion.flux2_klein import Flux2Klein
from gpu_workers.engines.diffusion.qwen_image import QwenImage, QwenImageEdit
from gpu_workers.engines.diffusion.sdxl import SdxlControlnetInpaint, SdxlInpaint
from gpu_workers.engines.diffusion.z_image import ZImage

_CLASSES: Final[tuple[type[DiffusionEngine], ...]] = (
    SdxlInpaint,
    SdxlControlnetInpaint,
    Flux2Klein,
    ZImage,
    QwenImage,
    QwenImageEdit,
)


def engine_class(architecture: Architecture) -> type[DiffusionEngine]:
    """Return the class of an architecture."""
    return next(each for each in _CLASSES if each.architecture == architecture)
