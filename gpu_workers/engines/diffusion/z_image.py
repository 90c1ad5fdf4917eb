"""Z-Image Turbo: eight steps, photographic.

Owns what its pipeline is called with. Distilled: with guidance 0 the negative prompt is not read.
Source: the model card of Z-Image-Turbo.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from gpu_workers.engines.backdrop_generator import BackdropRequest
from gpu_workers.engines.checkpoints import Architecture
from gpu_workers.engines.diffusion.engine import DiffusionEngine, masks_of, pictures_of


class ZImage(DiffusionEngine):
    """The six billion parameters of Tongyi."""

    architecture: ClassVar[Architecture] = "z_image"
    pipeline_class = "ZImageInpaintPipeline"

    def arguments(self, requests: Sequence[BackdropRequest]) -> dict[str, Any]:
        """Return prompts, pictures and masks."""
        sampling = requests[0].sampling
        return {
            "prompt": [request.prompt for request in requests],
            "negative_prompt": [request.negative for request in requests],
            "image": pictures_of(requests),
            "mask_image": masks_of(requests),
            "num_inference_steps": sampling.steps,
            "guidance_scale": sampling.guidance,
            "strength": sampling.strength,
        }
