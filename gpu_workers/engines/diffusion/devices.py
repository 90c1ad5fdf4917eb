"""The device that networks run on: which, with which numbers, with how much room.

Owns the only questions asked of CUDA. Importing this module touches no device.
"""

from __future__ import annotations

from typing import Final

import psutil
import torch

from gpu_workers.errors import DeviceError

_DEVICE_SHARE: Final = 0.92
"""Of the device's memory; the rest is the driver's and lost between blocks."""
_HOST_SHARE: Final = 0.6
"""Of the memory that is free now: the classical engine and the files need some too."""


def choose_device(name: str) -> torch.device:
    """Return the device of that name: ``auto``, ``cpu``, ``cuda`` or ``cuda:1``.

    Raises
    ------
    DeviceError
        If it is not there. A device that was asked for is never replaced by a slower one.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(f"no device is called {name!r}; use auto, cpu or cuda") from error
    if device.type not in ("cpu", "cuda"):
        raise DeviceError(f"networks run on cpu or cuda here, not on {name}")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(
            f"{name} is not there: {torch.cuda.device_count()} CUDA devices are visible to torch "
            f"{torch.__version__}"
        )
    return device


def number_type(device: torch.device) -> torch.dtype:
    """Return the type of the weights: bfloat16 on a GPU, float32 on a CPU.

    Raises
    ------
    DeviceError
        If the GPU has no bfloat16: float16 overflows in the autoencoder of SDXL and in the text
        encoders of the others.
    """
    if device.type == "cpu":
        return torch.float32
    if not torch.cuda.is_bf16_supported(including_emulation=False):
        raise DeviceError(f"{torch.cuda.get_device_name(device)} has no bfloat16")
    return torch.bfloat16


def prepare(device: torch.device) -> None:
    """Let matrix products that are still in float32 use the tensor cores."""
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")


def device_budget_bytes(device: torch.device) -> int:
    """Return how much memory engines may take on the device."""
    if device.type == "cpu":
        return host_budget_bytes()
    return int(_DEVICE_SHARE * torch.cuda.get_device_properties(device).total_memory)


def host_budget_bytes() -> int:
    """Return how much host memory weights may take."""
    return int(_HOST_SHARE * psutil.virtual_memory().available)


def give_back_memory(device: torch.device) -> None:
    """Return blocks that torch holds but does not use."""
    if device.type == "cuda":
        torch.cuda.empty_cache()


def wait_for(device: torch.device) -> None:
    """Return when everything that was started on the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def describe(device: torch.device) -> str:
    """Return the device in words, for reports."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return f"CPU, {torch.get_num_threads()} threads"
