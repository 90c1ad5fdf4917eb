"""FLUX.2 klein: four steps, with the picture to start from as a reference beside the noise.

Owns what its pipeline is called with. Distilled: it knows no negative prompt and no guidance.
Source: the model card of FLUX.2-klein-4B.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from gpu_workers.engines.backdrop_generator import BackdropRequest
from gpu_workers.engines.checkpoints import Architecture
from gpu_workers.engines.diffusion.engine import DiffusionEngine, masks_of, pictures_of


class Flux2Klein(DiffusionEngine):
    """The small FLUX.2."""

    architecture: ClassVar[Architecture] = "flux2_klein"
    pipeline_class = "Flux2KleinInpaintPipeline"

    def arguments(self, requests: Sequence[BackdropRequest]) -> dict[str, Any]:
        """Return prompts, pictures and masks."""
        sampling = requests[0].sampling
        layers = self.pipeline.text_encoder.config.num_hidden_layers
        return {
            "prompt": [request.prompt for request in requests],
            "image": pictures_of(requests),
            "mask_image": masks_of(requests),
            "num_inference_steps": sampling.steps,
            "guidance_scale": sampling.guidance,
            "strength": sampling.strength,
            # A quarter, half and three quarters of the way up the text encoder: 9, 18, 27 of 36.
            "text_encoder_out_layers": tuple(layers * quarter // 4 for quarter in (1, 2, 3)),
        }
