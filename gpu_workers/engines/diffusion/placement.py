"""Weights on a device with a copy in host memory, so that coming and going is quick.

Owns the moving of weights. Weights are never written to, so the host's copy stays true: leaving
the device only drops what is there, and coming back is one copy. For a GPU the host's copy is
pinned: the device reads it at the full speed of its bus.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch


class PlacedWeights:
    """The weights and buffers of some networks, as one load."""

    def __init__(self, modules: Iterable[torch.nn.Module], *, is_pinned: bool = False) -> None:
        self._modules = tuple(modules)
        self._parameters: list[tuple[torch.nn.Parameter, torch.Tensor]] = []
        self._buffers: list[tuple[torch.nn.Module, str, torch.Tensor]] = []
        for parameter in self._each_parameter():
            parameter.requires_grad = False
            host = parameter.data.to("cpu")
            host = host.pin_memory() if is_pinned else host
            parameter.data = host
            self._parameters.append((parameter, host))
        for module, name, buffer in self._each_buffer():
            self._buffers.append((module, name, buffer.to("cpu")))
        self.weight_bytes = sum(host.nbytes for _, host in self._parameters) + sum(
            host.nbytes for _, _, host in self._buffers
        )
        self.device = torch.device("cpu")

    def move_to(self, device: torch.device) -> None:
        """Bring the weights to a device; to the CPU, drop what is elsewhere."""
        for parameter, host in self._parameters:
            parameter.data = host.to(device, non_blocking=True)
        for module, name, host in self._buffers:
            module._buffers[name] = host.to(device)  # noqa: SLF001 - how Module.to does it
        self.device = device

    def _each_parameter(self) -> Iterator[torch.nn.Parameter]:
        """Yield each weight once, though two networks share it."""
        seen: set[int] = set()
        for module in self._modules:
            for parameter in module.parameters():
                if id(parameter) not in seen:
                    seen.add(id(parameter))
                    yield parameter

    def _each_buffer(self) -> Iterator[tuple[torch.nn.Module, str, torch.Tensor]]:
        for root in self._modules:
            for module in root.modules():
                for name, buffer in module._buffers.items():  # noqa: SLF001
                    if buffer is not None:
                        yield module, name, buffer
