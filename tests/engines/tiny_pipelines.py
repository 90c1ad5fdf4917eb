"""Tiny checkpoints of every architecture, on disk as the published ones lie there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from gpu_workers.engines.backdrop_generator import BackdropRequest, Sampling
from gpu_workers.engines.checkpoints import CHECKPOINTS, Architecture, Checkpoint

ARCHITECTURES: tuple[Architecture, ...] = (
    "sdxl_inpaint",
    "sdxl_controlnet_inpaint",
    "flux2_klein",
    "z_image",
    "qwen_image",
    "qwen_image_edit",
)
EDGE_PX = {"qwen_image_edit": 128}
PROMPTS = ("a cup on marble", "an oak table", "a beach at sunset", "a gray studio")


def tiny(architecture: Architecture) -> Checkpoint:
    """Return the architecture's first checkpoint, in sizes that a CPU paints in no time."""
    return shrunk(next(each for each in CHECKPOINTS if each.architecture == architecture))


def shrunk(checkpoint: Checkpoint) -> Checkpoint:
    """Return a checkpoint in sizes that a CPU paints in no time."""
    architecture = checkpoint.architecture
    edge = EDGE_PX.get(architecture, 32)
    sizes = ((edge, edge), (edge, edge // 2)) if edge < 128 else ((edge, edge),)
    return replace(checkpoint, sizes=sizes, weight_bytes=1_000_000, working_bytes=1_000_000)


def write_tiny(architecture: Architecture, folder: Path) -> Path:
    """Write random weights of the architecture."""
    from gpu_workers.engines.diffusion import random_weights

    random_weights.save(random_weights.build(architecture, tiny=True), folder)
    return folder


def requests(
    checkpoint: Checkpoint, count: int, *, sampling: Sampling | None = None
) -> list[BackdropRequest]:
    """Return requests that differ in everything a batch may differ in."""
    width, height = checkpoint.sizes[0]
    made = []
    for number in range(count):
        generator = np.random.default_rng(number)
        coarse = generator.integers(0, 255, (8, 8, 3), dtype=np.uint8)
        init = np.kron(coarse, np.ones((height // 8, width // 8, 1), np.uint8))
        mask = np.ones((height, width), bool)
        edge = height // 8 * (1 + number % 3)
        mask[edge : edge + height // 4, width // 4 : width // 2 + edge] = False
        made.append(
            BackdropRequest(
                init=init,
                mask=mask,
                prompt=PROMPTS[number % len(PROMPTS)],
                negative="blurry" if number % 2 else "text",
                seed=1000 + number,
                sampling=sampling
                or Sampling(
                    2 if checkpoint.strength == 1 else 3, checkpoint.guidance, checkpoint.strength
                ),
            )
        )
    return made
