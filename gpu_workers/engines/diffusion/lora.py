"""Few-step LoRAs, merged into the weights once and for all.

Owns the reading of LoRA files and the sum W + alpha / rank * up @ down (Hu et al., "LoRA", 2021,
equation 3). Merged weights run as fast as the plain ones, and need no further library. Trainers
name layers in many ways; diffusers translates most, `_PLACE` what it leaves.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import torch

from gpu_workers.errors import EngineError

_PLACE: Final = re.compile(
    r"(?:unet\.)?(?P<layer>.+?)(?:\.lora_linear_layer|\.lora|_lora|)"
    r"\.(?P<side>lora_A|lora_B|down|up)\.weight\Z"
)
_DOWN: Final = frozenset({"lora_A", "down"})


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
    layers = dict(pipeline.unet.named_modules())
    downs: dict[str, torch.Tensor] = {}
    ups: dict[str, torch.Tensor] = {}
    strangers = []
    for key, tensor in state.items():
        place = _place(key, layers)
        if place is None:
            strangers.append(key)
        else:
            (downs if place[1] in _DOWN else ups)[place[0]] = tensor
    if strangers or not downs or downs.keys() != ups.keys():
        raise EngineError(
            f"{file.name} does not fit this UNet: of its {len(state)} tensors "
            f"{len(strangers)} belong to no layer, such as {', '.join(strangers[:2]) or 'none'}"
        )
    scales = _scales(alphas or {}, layers)
    for name, down in downs.items():
        scale = scales.get(name, float(down.shape[0])) / down.shape[0]
        _add(layers[name].weight, down, ups[name], scale)
    return len(downs)


def _place(key: str, layers: dict[str, Any]) -> tuple[str, str] | None:
    """Return layer and side of a tensor, or None if it belongs nowhere."""
    found = _PLACE.match(key)
    if found is None:
        return None
    name = found["layer"].replace(".processor.", ".")
    # The output of attention is a list: the layer and its dropout.
    for each in (name, f"{name}.0"):
        if hasattr(layers.get(each), "weight"):
            return each, found["side"]
    return None


def _scales(alphas: dict[str, Any], layers: dict[str, Any]) -> dict[str, float]:
    scales = {}
    for key, value in alphas.items():
        name = key.removesuffix(".alpha")
        # Some of diffusers' keys end with a side, some with the layer.
        place = _place(name, layers) or _place(f"{name}.down.weight", layers)
        if place is not None:
            scales[place[0]] = float(value)
    return scales


def _add(weight: torch.Tensor, down: torch.Tensor, up: torch.Tensor, scale: float) -> None:
    # In float32: a difference of 1e-3 is lost in the eight bits of a bfloat16.
    change = up.float().flatten(1) @ down.float().flatten(1)
    merged = weight.detach().float() + scale * change.reshape(weight.shape).to(weight.device)
    weight.detach().copy_(merged.to(weight.dtype))
