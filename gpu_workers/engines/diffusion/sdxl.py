"""Stable Diffusion XL: the inpainting UNet, and the plain one with an inpaint ControlNet.

Owns what these two pipelines are called with. Sources: Podell et al., "SDXL" (2023); the model
cards of SDXL inpainting 0.1 and of EcomXL_controlnet_inpaint for scale and masked pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import torch

from gpu_workers.engines.backdrop_generator import BackdropRequest
from gpu_workers.engines.checkpoints import Architecture, Checkpoint
from gpu_workers.engines.diffusion.engine import DiffusionEngine, masks_of, pictures_of

_CONTROL_SCALE: Final = 0.5
_MASKED: Final = -1.0
"""What the ControlNet was trained to see where it may paint; colors are 0 to 1."""


class SdxlInpaint(DiffusionEngine):
    """The UNet with nine input channels: noise, mask, and the picture without what is masked."""

    architecture: ClassVar[Architecture] = "sdxl_inpaint"
    pipeline_class = "StableDiffusionXLInpaintPipeline"
    denoiser = "unet"

    def __init__(self, checkpoint: Checkpoint, pipeline: Any, device: torch.device) -> None:
        if pipeline.vae.dtype == torch.bfloat16:
            # It is float16 that overflows; bfloat16 has the range of float32.
            pipeline.vae.register_to_config(force_upcast=False)
        super().__init__(checkpoint, pipeline, device)

    @classmethod
    def own_components(cls, folder: Path, dtype: torch.dtype) -> dict[str, Any]:
        """Return no part, but a wish: no mark is hidden in a seller's picture."""
        return {"add_watermarker": False}

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


class SdxlControlnetInpaint(SdxlInpaint):
    """The plain UNet, held to the product by a ControlNet that sees it."""

    architecture: ClassVar[Architecture] = "sdxl_controlnet_inpaint"
    pipeline_class = "StableDiffusionXLControlNetInpaintPipeline"

    @classmethod
    def own_components(cls, folder: Path, dtype: torch.dtype) -> dict[str, Any]:
        """Return the ControlNet: the published pipeline folder knows of none."""
        import diffusers  # noqa: PLC0415

        return {
            **super().own_components(folder, dtype),
            "controlnet": diffusers.ControlNetModel.from_pretrained(
                folder / "controlnet", dtype=dtype, local_files_only=True, use_safetensors=True
            ),
        }

    def arguments(self, requests: Sequence[BackdropRequest]) -> dict[str, Any]:
        """Return prompts, pictures, masks, and the products on nothing."""
        seen = np.stack([request.init for request in requests]).astype(np.float32) / 255
        seen[np.stack([request.mask for request in requests])] = _MASKED
        return {
            **super().arguments(requests),
            "control_image": torch.from_numpy(seen).permute(0, 3, 1, 2),
            "controlnet_conditioning_scale": _CONTROL_SCALE,
        }
