"""Few-step LoRAs, merged into the weights once and for all.

Owns the reading of LoRA files and the sum W + alpha / rank * up @ down (Hu et al., "LoRA", 2021,
equation 3). Merged weights run as fast as the plain ones, and need no further library. The names
in the files are those of several trainers; diffusers translates them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import torch

from gpu_workers.errors import EngineError

_DOWN: Final = (".lora_A.weight", ".lora.down.weight", ".lora_down.weight")
_UP: Final = (".lora_B.weight", ".lora.up.weight", ".lora_up.weight")


def merge_lora(pipeline: Any, file: Path) -> int:
    """Merge a LoRA for an SDXL UNet; return how many of its layers were changed.

    Raises
    ------
    EngineError
        If a part of the file belongs to no layer of the UNet.
    """
    state, alphas = type(pipeline).lora_state_dict(
        str(file.parent),
        weight_name=file.name,
        unet_config=pipeline.unet.config,
        local_files_only=True,
        use_safetensors=True,
    )
    downs = _by_layer(state, _DOWN)
    ups = _by_layer(state, _UP)
    layers = dict(pipeline.unet.named_modules())
    strangers = sorted((downs.keys() ^ ups.keys()) | (downs.keys() - layers.keys()))
    if strangers or not downs or 2 * len(downs) != len(state):
        raise EngineError(
            f"{file.name} does not fit this UNet: {len(downs)} layers known, of "
            f"{len(state)} tensors; unknown: {', '.join(strangers[:3]) or 'none'}"
        )
    for name, down in downs.items():
        alpha = _alpha(alphas or {}, name)
        scale = 1.0 if alpha is None else alpha / down.shape[0]
        _add(layers[name].weight, down, ups[name], scale)
    return len(downs)


def _by_layer(state: dict[str, torch.Tensor], endings: tuple[str, ...]) -> dict[str, torch.Tensor]:
    found = {}
    for key, tensor in state.items():
        for ending in endings:
            if key.endswith(ending):
                found[key.removesuffix(ending).removeprefix("unet.")] = tensor
    return found


def _alpha(alphas: dict[str, Any], layer: str) -> float | None:
    for key, value in alphas.items():
        if key.removeprefix("unet.").removesuffix(".alpha") == layer:
            return float(value)
    return None


def _add(weight: torch.Tensor, down: torch.Tensor, up: torch.Tensor, scale: float) -> None:
    # In float32: a difference of 1e-3 is lost in the eight bits of a bfloat16.
    change = up.float().flatten(1) @ down.float().flatten(1)
    merged = weight.detach().float() + scale * change.reshape(weight.shape).to(weight.device)
    weight.detach().copy_(merged.to(weight.dtype))
