"""The network of the product finder: 128 x 128 pixels in, the share of product in each out.

Owns its layers and how they are written to ONNX. Small on purpose: it tells where the product is,
the edge is found by `imaging.segmentation`.

Source: Ronneberger, Fischer and Brox, "U-Net", MICCAI 2015; He et al., "Deep Residual Learning",
CVPR 2016; Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient
Sub-Pixel Convolutional Neural Network", CVPR 2016 (the last layer).
"""

from __future__ import annotations

import copy
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from gpu_workers.engines.product_finder import SIDE

INPUT, OUTPUT = "photo", "product"
"""Names in the ONNX file: (1, 3, 128, 128) float32 sRGB levels 0 to 255, and (1, 1, 128, 128)
float32 shares 0 to 1."""


def _conv(inputs: int, outputs: int, kernel: int = 3, step: int = 1, spread: int = 1) -> nn.Module:
    pad = spread * (kernel // 2)
    conv = nn.Conv2d(inputs, outputs, kernel, step, pad, dilation=spread, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class _Residual(nn.Module):
    def __init__(self, width: int, spread: int = 1) -> None:
        super().__init__()
        self.first = _conv(width, width, spread=spread)
        second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second = nn.Sequential(second, nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.second(self.first(x)))


class _Up(nn.Module):
    def __init__(self, inputs: int, beside: int, outputs: int) -> None:
        super().__init__()
        self.narrow = _conv(inputs, outputs, 1)
        self.beside = _conv(beside, outputs, 1)
        self.join = _conv(outputs, outputs)

    def forward(self, x: Tensor, beside: Tensor) -> Tensor:
        larger = functional.interpolate(
            self.narrow(x), scale_factor=2.0, mode="bilinear", align_corners=False
        )
        return self.join(larger + self.beside(beside))


class ProductNetwork(nn.Module):
    """Four halvings, a view of the whole, four doublings.

    Parameters
    ----------
    widths
        Channels after each halving.
    """

    def __init__(self, widths: tuple[int, int, int, int] = (16, 32, 64, 128)) -> None:
        super().__init__()
        a, b, c, d = widths
        self.to_half = nn.Sequential(_conv(3, a, step=2), _conv(a, a))
        self.to_quarter = nn.Sequential(_conv(a, b, step=2), _Residual(b))
        self.to_eighth = nn.Sequential(_conv(b, c, step=2), _Residual(c), _Residual(c))
        deepest = _Residual(d), _Residual(d, spread=2), _Residual(d)
        self.to_sixteenth = nn.Sequential(_conv(c, d, step=2), *deepest)
        self.whole = _conv(d, d, 1)
        self.up_eighth, self.up_quarter, self.up_half = _Up(d, c, c), _Up(c, b, b), _Up(b, a, a)
        self.last = nn.Conv2d(a, 4, 3, padding=1)

    def forward(self, photo: Tensor) -> Tensor:
        """Return logits (n, 1, h, w) of sRGB levels (n, 3, h, w), 0 to 255."""
        half = self.to_half(photo / 255 - 0.5)
        quarter = self.to_quarter(half)
        eighth = self.to_eighth(quarter)
        deep = self.to_sixteenth(eighth)
        deep = deep + self.whole(deep.mean((2, 3), keepdim=True))
        out = self.up_half(self.up_quarter(self.up_eighth(deep, eighth), quarter), half)
        return functional.pixel_shuffle(self.last(out), 2)


class _Shares(nn.Module):
    def __init__(self, network: ProductNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, photo: Tensor) -> Tensor:
        return torch.sigmoid(self.network(photo))


def write_onnx(network: ProductNetwork, path: Path) -> None:
    """Write the network with its sigmoid to a file."""
    example = torch.zeros(1, 3, SIDE, SIDE)
    with warnings.catch_warnings():
        # The newer exporter needs onnxscript, one more package for the same file.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            _Shares(copy.deepcopy(network)).cpu().eval(),
            (example,),
            str(path),
            input_names=[INPUT],
            output_names=[OUTPUT],
            opset_version=18,
            dynamo=False,
        )
