"""Fitting the network to pictures that are drawn meanwhile.

Owns the loop: processes that draw, a pool each picture stays in for a while, augmentation, loss,
schedule, the running mean of the weights. Runs on a GPU where there is one.

A picture takes longer to draw than to learn from, so each is used several times, moved, mirrored
and recolored anew. Not reproducible to the bit: what is in the pool depends on the machine's speed.
"""

from __future__ import annotations

import copy
import multiprocessing
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from gpu_workers.engines.product_finder import SIDE
from gpu_workers.training.network import ProductNetwork
from gpu_workers.training.pictures import rendered_products, training_picture

Block: TypeAlias = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]
"""Photos (n, 128, 128, 3) and their masks (n, 128, 128), both uint8."""

BATCH: Final = 32
_BLOCK: Final = 100
_NEWEST: Final = 1600
"""Pictures a third of each batch is taken from; the rest may be any in the pool."""
_PEAK_RATE: Final = 2e-3
_LOWEST_RATE: Final = 1e-5
_WARM_STEPS: Final = 200
_MEMORY: Final = 0.998
"""Weight of the past in the running mean of the weights, at most."""
_TELL_EVERY: Final = 200


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and with what to train."""

    minutes: float
    drawers: int = 1
    """Processes that draw pictures."""
    pool: int = 40_000
    """Pictures kept in memory, 64 KiB each."""
    seed: int = 0
    products: Path | None = None
    """Folder of rendered products; see `pictures.rendered_products`."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What is told every 200 steps."""

    step: int
    minutes: float
    drawn: int
    """Pictures so far."""
    overlap: float
    """Soft intersection over union with the masks of the pictures it learns from."""


def fit(plan: Plan, tell: Callable[[Progress, ProductNetwork], None]) -> ProductNetwork:
    """Train a network from nothing and return it, in evaluation mode.

    Parameters
    ----------
    plan
        How long and with what.
    tell
        Called every 200 steps with the network as it would be returned now.
    """
    torch.manual_seed(plan.seed)
    rng = np.random.default_rng(plan.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network: ProductNetwork = ProductNetwork().to(device, memory_format=torch.channels_last)
    mean: ProductNetwork = copy.deepcopy(network).eval()
    optimizer = torch.optim.AdamW(network.parameters(), lr=_PEAK_RATE, weight_decay=1e-2)
    with _drawers(plan) as drawn:
        pool = _Pool(plan.pool)
        pool.add(drawn.get())
        start, step, overlap = time.monotonic(), 0, 0.0
        while (share := (time.monotonic() - start) / (60 * plan.minutes)) < 1:
            while not drawn.empty():
                pool.add(drawn.get())
            photos, masks = _batch(rng, pool, device)
            loss, seen = _loss(network.train()(photos), masks)
            for group in optimizer.param_groups:
                group["lr"] = rate(step, share)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            step += 1
            _follow(mean, network, min(_MEMORY, step / (step + 20)))
            overlap += (seen - overlap) * max(0.02, 1 / step)
            if step % _TELL_EVERY == 0:
                minutes = (time.monotonic() - start) / 60
                tell(Progress(step, minutes, pool.seen, overlap), mean)
    return mean


def rate(step: int, share: float) -> float:
    """Return the learning rate: a warm-up by steps, then half a cosine over the time."""
    warm = min(1.0, (step + 1) / _WARM_STEPS)
    return _LOWEST_RATE + _PEAK_RATE * warm * 0.5 * (1 + float(np.cos(np.pi * share)))


class _Pool:
    def __init__(self, size: int) -> None:
        self._photos = np.empty((size, SIDE, SIDE, 3), np.uint8)
        self._masks = np.empty((size, SIDE, SIDE), np.uint8)
        self.seen = 0

    def add(self, block: Block) -> None:
        """Put pictures in the places of the oldest ones."""
        places = (self.seen + np.arange(len(block[0]))) % len(self._photos)
        self._photos[places], self._masks[places] = block
        self.seen += len(block[0])

    def take(self, rng: np.random.Generator) -> Block:
        """Return one picture and its mask, without a first axis."""
        known = min(self.seen, len(self._photos))
        back = rng.integers(min(known, _NEWEST) if rng.random() < 0.3 else known)
        place = (self.seen - 1 - back) % len(self._photos)
        return self._photos[place], self._masks[place]


def _batch(rng: np.random.Generator, pool: _Pool, device: torch.device) -> tuple[Tensor, Tensor]:
    pairs = [augmented(rng, *pool.take(rng)) for _ in range(BATCH)]
    photos = torch.from_numpy(np.stack([photo for photo, _ in pairs])).to(device)
    masks = torch.from_numpy(np.stack([mask for _, mask in pairs])).to(device)
    levels = photos.permute(0, 3, 1, 2).float()
    if rng.random() < 0.5:
        gammas = np.exp(rng.normal(0, 0.3, (BATCH, 1, 1, 1))).astype(np.float32)
        levels = 255 * (levels / 255).clamp(1e-3, 1) ** torch.from_numpy(gammas).to(device)
    return levels.contiguous(memory_format=torch.channels_last), masks.float()[:, None] / 255


def augmented(
    rng: np.random.Generator, photo: npt.NDArray[np.uint8], mask: npt.NDArray[np.uint8]
) -> Block:
    """Return the pair moved, turned, scaled, mirrored and with its color channels exchanged."""
    if rng.random() < 0.7:
        tall = np.exp(rng.normal(0, 0.18))
        wide = tall * np.exp(rng.normal(0, 0.08))
        angle = rng.normal(0, 0.12)
        cos, sin = np.cos(angle), np.sin(angle)
        form = np.array([[wide * cos, -tall * sin], [wide * sin, tall * cos]])
        middle = np.full(2, SIDE / 2)
        shift = middle - form @ middle + rng.normal(0, SIDE / 26, 2)
        way = np.column_stack([form, shift]).astype(np.float32)
        size = SIDE, SIDE
        photo = np.asarray(cv2.warpAffine(photo, way, size, borderMode=cv2.BORDER_REFLECT))
        mask = np.asarray(cv2.warpAffine(mask, way, size, borderMode=cv2.BORDER_CONSTANT))
    if rng.random() < 0.5:
        photo = photo[..., rng.permutation(3)]
    if rng.random() < 0.5:
        photo, mask = photo[:, ::-1], mask[:, ::-1]
    return np.ascontiguousarray(photo), np.ascontiguousarray(mask)


def _loss(logits: Tensor, masks: Tensor) -> tuple[Tensor, float]:
    """Return cross entropy plus half of what is missing in overlap, and the overlap."""
    shares = torch.sigmoid(logits)
    both = (shares * masks).sum((1, 2, 3))
    either = (shares + masks - shares * masks).sum((1, 2, 3))
    overlap = ((both + 1) / (either + 1)).mean()
    entropy = functional.binary_cross_entropy_with_logits(logits, masks)
    return entropy + 0.5 * (1 - overlap), float(overlap.detach())


def _follow(mean: ProductNetwork, network: ProductNetwork, memory: float) -> None:
    with torch.no_grad():
        pairs = zip(mean.state_dict().values(), network.state_dict().values(), strict=True)
        for kept, new in pairs:
            if kept.dtype.is_floating_point:
                kept.lerp_(new, 1 - memory)
            else:
                kept.copy_(new)


@contextmanager
def _drawers(plan: Plan) -> Iterator[multiprocessing.Queue[Block]]:
    """Keep processes drawing; what they have drawn comes out of the queue."""
    context = multiprocessing.get_context("spawn")
    drawn: multiprocessing.Queue[Block] = context.Queue(maxsize=4 * plan.drawers)
    numbers: Sequence[int] = range(plan.drawers)
    processes = [
        context.Process(target=_draw, args=(drawn, plan, number), daemon=True) for number in numbers
    ]
    for process in processes:
        process.start()
    try:
        yield drawn
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _draw(drawn: multiprocessing.Queue[Block], plan: Plan, number: int) -> None:
    cv2.setNumThreads(1)
    products = rendered_products(plan.products) if plan.products else []
    rng = np.random.default_rng((plan.seed, number))
    while True:
        pairs = [training_picture(rng, products) for _ in range(_BLOCK)]
        block = np.stack([photo for photo, _ in pairs]), np.stack([mask for _, mask in pairs])
        while True:
            try:
                drawn.put(block, timeout=5)
                break
            except queue.Full:
                continue
