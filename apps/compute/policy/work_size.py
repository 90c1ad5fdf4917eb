"""How large work is, and what is believed of its service time from work of its kind. Pure.

Owns the keys under which service times are learned, from coarse to fine, and how an estimate backs
off from one to the next: what the coarser key says is the prior of the finer one, which gives way
over `PRIOR_COMPLETIONS` completions. So a new resolution begins with what its kind takes, and a new
kind with what its engine takes. Seconds are for one cost unit, as in `service_time`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from apps.compute.policy.service_time import Estimate, Learned, Prior, estimate, learn

_STEPS_BUCKET: Final = 8
_NONE: Final = Learned()


@dataclass(frozen=True, slots=True)
class WorkSize:
    """What the service time of a work item depends on."""

    engine: str
    device: str
    """What the worker runs on: its class, or a finer name of the hardware."""
    kind: str
    megapixels: float
    """To produce, all files together; above 0."""
    steps: int = 0
    """Denoising steps, 0 where the engine has none."""
    takes: int = 1
    """Pictures made in one go, at least 1."""

    @property
    def pixel_steps(self) -> float:
        """Megapixels times steps of all takes: what memory and time of a batch go with."""
        return self.megapixels * max(1, self.steps) * self.takes


def keys(size: WorkSize) -> tuple[str, ...]:
    """Return the keys of a size from the coarsest to the finest.

    Notes
    -----
    Pixels fall into buckets of half an octave (41 % wide), steps into multiples of 8.

    Raises
    ------
    ValueError
        If pixels, steps or takes are out of range.

    Examples
    --------
    >>> keys(WorkSize("diffusion", "gpu", "scene", megapixels=4.2, steps=30))[-1]
    'diffusion/gpu/scene/p4/s32/t1'
    """
    if not (math.isfinite(size.megapixels) and size.megapixels > 0):
        raise ValueError(f"{size.megapixels} megapixels are not above 0")
    if size.steps < 0 or size.takes < 1:
        raise ValueError(f"{size.steps} steps and {size.takes} takes are no size of work")
    lane = f"{size.engine}/{size.device}"
    kind = f"{lane}/{size.kind}"
    pixels = math.floor(2 * math.log2(size.megapixels))
    steps = math.ceil(size.steps / _STEPS_BUCKET) * _STEPS_BUCKET
    shape = f"{kind}/p{pixels}/s{steps}"
    return (lane, kind, shape, f"{shape}/t{size.takes}")


def estimate_size(known: Mapping[str, Learned], size: WorkSize, prior: Prior) -> Estimate:
    """Return the seconds for one cost unit of work of a size.

    Parameters
    ----------
    known
        What was learned, by key; missing keys have learned nothing.
    prior
        For the engine on the device before anything was measured there.
    """
    found = Estimate(prior.p50, prior.p90)
    for key in keys(size):
        learned = known.get(key, _NONE)
        if learned.completions:
            found = estimate(learned, Prior(found.p50, max(found.p50, found.p90)))
    return found


def learn_size(known: Mapping[str, Learned], size: WorkSize, seconds: float) -> dict[str, Learned]:
    """Return what is known after one more completion, for the keys that it touches.

    Parameters
    ----------
    seconds
        For one cost unit; above 0, else ``ValueError``.
    """
    return {key: learn(known.get(key, _NONE), seconds) for key in keys(size)}
