"""What a lifestyle picture shows around the product: typed choices, not a free prompt.

Owns the fields, their ranges and their reading. Does not own the words that a network is told
(`engines.prompts`). Light, framing and camera are the scene's; these options say where the scene
is, what stands around, and what it may cost. Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from gpu_workers.typed_fields import within, words

Setting: TypeAlias = Literal[
    "studio",
    "kitchen",
    "living_room",
    "bathroom",
    "bedroom",
    "home_office",
    "cafe",
    "workshop",
    "garden",
    "forest",
    "beach",
    "mountains",
    "street",
    "gym",
]
Surface: TypeAlias = Literal[
    "wood",
    "marble",
    "stone",
    "linen",
    "concrete",
    "tiles",
    "acrylic",
    "sand",
    "grass",
    "rock",
    "water",
    "plaster",
]
Season: TypeAlias = Literal["any", "spring", "summer", "autumn", "winter", "holidays"]
Mood: TypeAlias = Literal[
    "calm", "fresh", "cozy", "bold", "elegant", "playful", "natural", "dramatic"
]
Palette: TypeAlias = Literal["neutral", "warm", "cool", "pastel", "earthy", "vivid", "monochrome"]
Prop: TypeAlias = Literal[
    "flowers",
    "leaves",
    "fruit",
    "books",
    "candle",
    "fabric",
    "pebbles",
    "ceramics",
    "drops",
    "gifts",
]
OnMissing: TypeAlias = Literal["fail", "scene"]


@dataclass(frozen=True, slots=True)
class LifestyleOptions:
    """Everything a lifestyle picture needs beside its scene."""

    subject: str = words("", longest=60)
    """What the product is, as a noun: ``perfume bottle``; without it the network is told
    ``product``."""
    setting: Setting = "living_room"
    surface: Surface = "wood"
    season: Season = "any"
    mood: Mood = "natural"
    palette: Palette = "neutral"
    props: tuple[Prop, ...] = ()
    prompt_extra: str = words("", longest=200)
    """Words added to the prompt."""
    negative_extra: str = words("", longest=200)
    """Words added to what must not be seen; few-step checkpoints cannot heed them."""
    checkpoint: str = words("", longest=64)
    """Name of the checkpoint; empty takes the worker's own."""
    steps: int | None = within(1, 60, default=None)
    """None takes the checkpoint's own."""
    guidance: float | None = within(0.0, 15.0, default=None)
    """How closely the prompt is followed; None takes the checkpoint's own."""
    strength: float | None = within(0.3, 1.0, default=None)
    """Share of the scene that is painted anew; None takes the checkpoint's own."""
    max_seeds: int = within(1, 4, default=3)
    """Pictures that may be generated until one passes its check."""
    on_missing: OnMissing = "fail"
    """What to do on a machine without the weights: fail, or make the procedural scene and say
    so."""
