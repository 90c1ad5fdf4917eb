"""What paints a backdrop around a product: the protocol between pipelines and networks.

Owns the words: what is asked, what is told meanwhile, what may run in one batch. Imports no
network; those are in `diffusion`.

A picture depends on its own request alone, not on the batch it ran in: every request brings its
seed, and noise is drawn on the CPU. On a GPU other kernels may be chosen for other batch sizes, so
that the last bits differ there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from gpu_workers.engines.checkpoints import Checkpoint
from gpu_workers.imaging.arrays import Photo

Mask: TypeAlias = npt.NDArray[np.bool_]
"""(h, w) bool, True where the network paints."""

Encoded: TypeAlias = npt.NDArray[np.float32]
"""(h, w, 3) float32, sRGB encoded, 0 to 1: what a network gives, not yet rounded to 8 bit."""


class GenerationCanceled(Exception):
    """Whoever watches the steps wants no picture any more; the engine is as good as before."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the noise is taken away."""

    steps: int
    guidance: float
    strength: float
    """Share of the schedule that is run, 0 to 1; of ``steps``, ``int(steps * strength)`` are."""

    @classmethod
    def of(
        cls,
        checkpoint: Checkpoint,
        *,
        steps: int | None = None,
        guidance: float | None = None,
        strength: float | None = None,
    ) -> Sampling:
        """Return a checkpoint's own way with what is wanted otherwise.

        A few-step checkpoint keeps its own steps and guidance: it was distilled for these, and
        falls apart with others.
        """
        if checkpoint.few_steps:
            steps, guidance = None, None
        return cls(
            steps=checkpoint.steps if steps is None else steps,
            guidance=checkpoint.guidance if guidance is None else guidance,
            strength=checkpoint.strength if strength is None else strength,
        )


@dataclass(frozen=True, slots=True, eq=False)
class BackdropRequest:
    """One picture to be painted."""

    init: Photo
    """(h, w, 3) uint8: the product on the set that the network starts from, in a size that the
    checkpoint lists."""
    mask: Mask
    """(h, w) bool: what is to be painted."""
    prompt: str
    negative: str
    seed: int
    sampling: Sampling

    def __post_init__(self) -> None:
        if self.init.shape[:2] != self.mask.shape:
            raise ValueError(f"shapes differ: {self.init.shape}, {self.mask.shape}")

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.mask.shape[1], self.mask.shape[0]


Look: TypeAlias = Callable[[int], Photo | None]


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """What is known while a batch is being painted."""

    number: int
    """1 is the first."""
    of: int
    places: tuple[int, ...]
    """Which of the requests, by their place in the call, are in this batch."""
    look: Look
    """Asked by `preview`: takes a place in the batch."""

    @property
    def share(self) -> float:
        """Share of the batch that is done, 0 to 1."""
        return self.number / self.of

    def preview(self, place: int) -> Photo | None:
        """Return a small picture of a request as far as it is, rough at first.

        Costs a wait for the device, so it is made when asked for, and only while the step is being
        watched. None where none can be made yet, or where the request is in another batch.
        """
        return self.look(self.places.index(place)) if place in self.places else None


Watch: TypeAlias = Callable[[Step], None]
"""Called after each step; may raise `GenerationCanceled`."""


class BackdropGenerator(Protocol):
    """Paints backdrops around products."""

    @property
    def version(self) -> str:
        """What a render records: architecture, checkpoint and version."""
        ...

    @property
    def checkpoint(self) -> Checkpoint:
        """The weights and their terms."""
        ...

    @property
    def most_at_once(self) -> int:
        """Pictures that are painted together at most; 1 where nothing is gained by more."""
        ...

    def generate(
        self, requests: Sequence[BackdropRequest], *, watch: Watch | None = None
    ) -> list[Encoded]:
        """Paint the requests, those with one `batch_key` together.

        Returns
        -------
        One picture for each request, in their order. The product is in it as the network saw it:
        its own pixels have to be pasted back.

        Raises
        ------
        GenerationCanceled
            If `watch` raised it.
        EngineError
            If even one picture at a time does not fit into the device's memory.
        """
        ...


BatchKey: TypeAlias = tuple[tuple[int, int], Sampling]


def batch_key(request: BackdropRequest) -> BatchKey:
    """Return what has to be equal for pictures to be painted together by one engine.

    Prompt, negative prompt, picture, mask and seed may all differ.
    """
    return request.size, request.sampling


def batches(requests: Iterable[BackdropRequest], limit: int) -> list[tuple[int, ...]]:
    """Return the places of the requests batch by batch, each of at most `limit`, in order.

    Examples
    --------
    >>> batches([], limit=4)
    []
    """
    by_key: dict[BatchKey, list[int]] = {}
    for place, request in enumerate(requests):
        by_key.setdefault(batch_key(request), []).append(place)
    return [
        tuple(places[start : start + limit])
        for places in by_key.values()
        for start in range(0, len(places), limit)
    ]
