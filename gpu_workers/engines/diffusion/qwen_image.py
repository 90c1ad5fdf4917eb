"""Qwen-Image and Qwen-Image-Edit: twenty billion parameters, long prompts.

Owns what their pipelines are called with. Guidance here is true classifier-free guidance: two
passes a step, one of them over the negative prompt; without guidance above 1 there is one.
Source: the model cards of Qwen-Image, Qwen-Image-Edit and Qwen-Image-Edit-2509.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

import torch

from gpu_workers.engines.backdrop_generator import BackdropRequest
from gpu_workers.engines.checkpoints import Architecture, Checkpoint
from gpu_workers.engines.diffusion.edit_processor import PicturesAndWords
from gpu_workers.engines.diffusion.engine import DiffusionEngine, masks_of, pictures_of

_PICTURE: Final = "<|vision_start|><|image_pad|><|vision_end|>"


class QwenImage(DiffusionEngine):
    """Paints what the mask leaves open."""

    architecture: ClassVar[Architecture] = "qwen_image"
    pipeline_class = "QwenImageInpaintPipeline"

    def arguments(self, requests: Sequence[BackdropRequest]) -> dict[str, Any]:
        """Return prompts, pictures and masks."""
        sampling = requests[0].sampling
        asked: dict[str, Any] = {
            "prompt": [request.prompt for request in requests],
            "image": pictures_of(requests),
            "mask_image": masks_of(requests),
            "num_inference_steps": sampling.steps,
            "true_cfg_scale": sampling.guidance,
            "strength": sampling.strength,
        }
        if sampling.guidance > 1:
            asked["negative_prompt"] = [request.negative for request in requests]
        return asked


class QwenImageEdit(QwenImage):
    """Paints with the whole picture before its eyes."""

    architecture: ClassVar[Architecture] = "qwen_image_edit"
    pipeline_class = "QwenImageEditInpaintPipeline"

    def __init__(self, checkpoint: Checkpoint, pipeline: Any, device: torch.device) -> None:
        if checkpoint.name.endswith("-2509"):
            # These weights were trained on numbered pictures.
            pipeline.prompt_template_encode = pipeline.prompt_template_encode.replace(
                _PICTURE, f"Picture 1: {_PICTURE}"
            )
        super().__init__(checkpoint, pipeline, device)

    @classmethod
    def own_components(cls, folder: Path, dtype: torch.dtype) -> dict[str, Any]:
        """Return what reads pictures for the text encoder."""
        return {"processor": PicturesAndWords.load(folder)}
