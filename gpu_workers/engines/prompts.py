"""What a backdrop generator is told, built from typed choices.

Owns the words. Takes no prompt as such: the seller chooses a setting, a surface, a season; the
light and the camera are the scene's own, so that the words and the set that the network starts
from say the same. Pure and deterministic.

The most important words come first: the text encoders of SDXL read 77 tokens, about 55 words, and
drop the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gpu_workers.kind_options.lifestyle import (
    LifestyleOptions,
    Mood,
    Palette,
    Prop,
    Season,
    Setting,
    Surface,
)
from gpu_workers.scene_spec import CameraPitch, Light

_SURFACES: Final[dict[Surface, str]] = {
    "wood": "a wooden table",
    "marble": "a marble counter",
    "stone": "a slab of natural stone",
    "linen": "a linen tablecloth",
    "concrete": "smooth concrete",
    "tiles": "glazed tiles",
    "acrylic": "glossy acrylic",
    "sand": "fine sand",
    "grass": "short grass",
    "rock": "a flat rock",
    "water": "a wet dark surface with ripples",
    "plaster": "a plaster podium",
}
_SETTINGS: Final[dict[Setting, str]] = {
    "studio": "in a photo studio with a plain painted wall",
    "kitchen": "in a bright kitchen",
    "living_room": "in a tidy living room",
    "bathroom": "in a clean bathroom",
    "bedroom": "in a quiet bedroom",
    "home_office": "in a home office",
    "cafe": "in a small café",
    "workshop": "in a craft workshop",
    "garden": "in a garden",
    "forest": "at the edge of a forest",
    "beach": "on a beach by the sea",
    "mountains": "before distant mountains",
    "street": "on a city street",
    "gym": "in a modern gym",
}
_SEASONS: Final[dict[Season, str]] = {
    "any": "",
    "spring": "in spring",
    "summer": "in summer",
    "autumn": "in autumn",
    "winter": "in winter",
    "holidays": "in the winter holidays with warm string lights",
}
_MOODS: Final[dict[Mood, str]] = {
    "calm": "calm mood",
    "fresh": "fresh mood",
    "cozy": "cozy mood",
    "bold": "bold mood",
    "elegant": "elegant mood",
    "playful": "playful mood",
    "natural": "natural mood",
    "dramatic": "dramatic mood",
}
_PALETTES: Final[dict[Palette, str]] = {
    "neutral": "neutral colors",
    "warm": "warm colors",
    "cool": "cool colors",
    "pastel": "pastel colors",
    "earthy": "earthy colors",
    "vivid": "vivid colors",
    "monochrome": "one color in many shades",
}
_PROPS: Final[dict[Prop, str]] = {
    "flowers": "fresh flowers",
    "leaves": "green leaves",
    "fruit": "cut fruit",
    "books": "a stack of books",
    "candle": "a lit candle",
    "fabric": "folded fabric",
    "pebbles": "round pebbles",
    "ceramics": "plain ceramics",
    "drops": "water drops",
    "gifts": "wrapped gifts",
}
_CAMERAS: Final[dict[CameraPitch, str]] = {
    "front": "seen at eye level",
    "slightly_above": "seen from slightly above",
    "top": "flat lay seen from straight above",
}
_LOOK: Final = "photograph, sharp product, background softly out of focus"
_LOOK_FROM_ABOVE: Final = "photograph, everything in focus"
_NEVER: Final = (
    "people",
    "hands",
    "text",
    "letters",
    "logo",
    "watermark",
    "frame",
    "drawing",
    "render",
    "deformed",
    "blurry product",
    "floating",
    "something attached to the product",
)


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the network is told to show, and what not to show."""

    positive: str
    negative: str


def build_prompt(
    options: LifestyleOptions, light: Light, pitch: CameraPitch, *, hangs: bool = False
) -> Prompt:
    """Return the words for a picture.

    Parameters
    ----------
    options
        What is around the product.
    light
        The scene's key light; its direction is told as the camera sees it.
    pitch
        From where the product was photographed.
    hangs
        Whether it comes down from above instead of standing on a surface.

    Examples
    --------
    >>> options = LifestyleOptions(subject="mug", setting="kitchen", season="autumn")
    >>> build_prompt(options, Light(), "front").positive.split(", ")[0]
    'a mug on a wooden table in a bright kitchen in autumn'
    """
    subject = options.subject or "product"
    place = " ".join(
        words
        for words in (
            f"{_article(subject)} {subject}",
            "hanging freely" if hangs else f"on {_SURFACES[options.surface]}",
            _SETTINGS[options.setting],
            _SEASONS[options.season],
        )
        if words
    )
    parts = [place, _light_words(light), _CAMERAS[pitch]]
    if options.props:
        parts.append(f"{_listed([_PROPS[prop] for prop in options.props])} beside it")
    parts += [_MOODS[options.mood], _PALETTES[options.palette], options.prompt_extra]
    parts.append(_LOOK_FROM_ABOVE if pitch == "top" else _LOOK)
    never = [f"second {subject}", *_NEVER, options.negative_extra]
    return Prompt(", ".join(filter(None, parts)), ", ".join(filter(None, never)))


def _light_words(light: Light) -> str:
    quality = "soft" if light.softness >= 0.5 else "hard"
    kind = "window light" if light.pattern == "window" else "light"
    if light.elevation_deg >= 70:
        return f"{quality} {kind} from above"
    turned = abs(light.azimuth_deg)
    side = "left" if light.azimuth_deg < 0 else "right"
    if turned < 15:
        side = "the front"
    elif turned > 150:
        side = "behind"
    elif turned > 105:
        side = f"behind on the {side}"
    else:
        side = f"the {side}"
    low = "low " if light.elevation_deg < 25 else ""
    return f"{low}{quality} {kind} from {side}"


def _article(noun: str) -> str:
    return "an" if noun[:1].lower() in set("aeiou") else "a"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
