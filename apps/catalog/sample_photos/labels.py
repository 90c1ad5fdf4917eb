"""Printed matter: labels, a mug motif and carton faces, drawn with Pillow's own font.

Owns flat artwork only; where it is stuck is the business of `objects`. All brands are invented.

A `Print` is read at texture coordinates 0 to 1 (u to the right, v down) and gives linear sRGB
reflectance and ink coverage.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from apps.catalog.sample_photos.sdf import Array

Ink = tuple[int, int, int]


class Print:
    """Artwork with opacity, read bilinearly."""

    def __init__(self, image: Image.Image) -> None:
        rgba = np.asarray(image.convert("RGBA"), dtype=np.float32) / 255.0
        rgb = rgba[..., :3]
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        self._height, self._width = rgba.shape[:2]
        self._texels = np.concatenate([linear, rgba[..., 3:]], axis=2).reshape(-1, 4)
        self._texels = self._texels.astype(np.float32)

    def read(self, u: Array, v: Array) -> tuple[Array, Array]:
        """Return reflectance (3, n) and coverage (n,) at `u`, `v`; clamped at the borders."""
        x = np.clip(u * self._width - 0.5, 0.0, self._width - 1.01)
        y = np.clip(v * self._height - 0.5, 0.0, self._height - 1.01)
        ix, iy = x.astype(np.int32), y.astype(np.int32)
        a, b = (x - ix)[:, None], (y - iy)[:, None]
        at = iy * self._width + ix
        t = self._texels
        value = (t[at] * (1 - a) + t[at + 1] * a) * (1 - b) + (
            t[at + self._width] * (1 - a) + t[at + self._width + 1] * a
        ) * b
        return value[:, :3].T.astype(np.float32), value[:, 3].astype(np.float32)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _text(
    draw: ImageDraw.ImageDraw,
    center: tuple[float, float],
    words: str,
    size: int,
    ink: Ink,
    *,
    spacing: float = 0.0,
    weight: int = 0,
) -> None:
    """Draw one centered line, letter by letter so that it can be spaced like a logo."""
    font = _font(size)
    widths = [font.getlength(letter) + spacing for letter in words]
    x = center[0] - (sum(widths) - spacing) / 2
    for letter, width in zip(words, widths, strict=True):
        draw.text((x, center[1]), letter, fill=ink, font=font, anchor="lm", stroke_width=weight)
        x += width


def _barcode(
    draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], ink: Ink, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x, unit = box[0], max((box[2] - box[0]) // 95, 1)
    while x < box[2]:
        bar, gap = (int(n) * unit for n in rng.integers(1, 4, 2))
        draw.rectangle((x, box[1], min(x + bar - 1, box[2]), box[3]), fill=ink)
        x += bar + gap


def _sprig(
    draw: ImageDraw.ImageDraw,
    root: tuple[float, float],
    height: float,
    *,
    lean: float,
    leaf: float,
    ink: Ink,
    pairs: int,
) -> None:
    """Draw a stem with leaves in pairs."""
    steps = np.linspace(0.0, 1.0, 40)
    xs = root[0] + lean * height * steps**2
    ys = root[1] - height * steps
    stem = list(zip(xs.tolist(), ys.tolist(), strict=True))
    draw.line(stem, fill=ink, width=max(int(leaf * 0.09), 2), joint="curve")
    for i in range(pairs + 1):
        s = 0.2 + 0.8 * i / pairs
        x, y = root[0] + lean * height * s**2, root[1] - height * s
        size = leaf * (1.15 - 0.55 * s)
        for side in (-1.0, 1.0):
            angle = -np.pi / 2 + side * (0.95 - 0.35 * s) + lean * s
            if i == pairs:
                angle = -np.pi / 2 + 2 * lean
            t = np.linspace(0.0, 1.0, 14)
            bulge = np.sin(np.pi * t) * 0.24 * size
            along = t * size
            ca, sa = float(np.cos(angle)), float(np.sin(angle))
            upper = [
                (x + a * ca - w * sa, y + a * sa + w * ca)
                for a, w in zip(along, bulge, strict=True)
            ]
            lower = [
                (x + a * ca + w * sa, y + a * sa - w * ca)
                for a, w in zip(along[::-1], bulge[::-1], strict=True)
            ]
            draw.polygon(upper + lower, fill=ink)


def _amber_front() -> Image.Image:
    paper, ink, green = (240, 233, 217), (40, 38, 34), (74, 94, 72)
    image = Image.new("RGB", (1240, 1000), paper)
    draw = ImageDraw.Draw(image)
    draw.rectangle((34, 34, 1205, 965), outline=ink, width=5)
    draw.rectangle((48, 48, 1191, 951), outline=ink, width=2)
    for lean in (-0.35, 0.0, 0.35):
        _sprig(draw, (620, 262), 150 if lean else 178, lean=lean, leaf=46, ink=green, pairs=5)
    _text(draw, (620, 345), "FJORD & FERN", 84, ink, spacing=12, weight=2)
    draw.line((430, 420, 810, 420), fill=ink, width=3)
    _text(draw, (620, 508), "HAND WASH", 108, ink, spacing=14, weight=3)
    _text(draw, (620, 612), "cedarwood  +  bergamot", 62, green, spacing=3)
    draw.rectangle((250, 690, 990, 772), fill=green)
    _text(draw, (620, 731), "VEGAN  /  REFILLABLE", 46, paper, spacing=9, weight=1)
    _text(draw, (620, 866), "250 ml   8.4 fl oz", 54, ink, spacing=4)
    return image


def _amber_back() -> Image.Image:
    paper, ink = (240, 233, 217), (40, 38, 34)
    image = Image.new("RGB", (1000, 1000), paper)
    draw = ImageDraw.Draw(image)
    draw.rectangle((30, 30, 969, 969), outline=ink, width=4)
    _text(draw, (500, 105), "FJORD & FERN", 54, ink, spacing=9, weight=1)
    draw.line((90, 160, 910, 160), fill=ink, width=3)
    small = _font(37)
    lines = (
        "How to use: one pump on wet hands,",
        "work into a lather, rinse. Keep out of",
        "the eyes and out of reach of children.",
        "",
        "Ingredients: Aqua, Coco-Glucoside,",
        "Glycerin, Sodium Cocoyl Glutamate,",
        "Aloe Barbadensis Leaf Juice, Xanthan",
        "Gum, Citrus Bergamia Peel Oil, Cedrus",
        "Atlantica Bark Oil, Citric Acid.",
    )
    for i, line in enumerate(lines):
        draw.text((92, 195 + i * 49), line, fill=ink, font=small)
    _barcode(draw, (92, 690, 520, 850), ink, 5)
    draw.text((128, 862), "5 704102 250113", fill=ink, font=_font(38))
    draw.ellipse((660, 700, 800, 840), outline=ink, width=6)
    _text(draw, (730, 772), "12 M", 46, ink, weight=1)
    draw.text((610, 868), "Batch 0417", fill=ink, font=_font(38))
    return image


def _candle() -> Image.Image:
    paper, ink, accent = (244, 240, 232), (52, 48, 46), (176, 92, 62)
    image = Image.new("RGB", (1100, 800), paper)
    draw = ImageDraw.Draw(image)
    draw.ellipse((470, 70, 630, 230), fill=accent)
    for i in range(5):
        draw.line((430, 170 + i * 17, 670, 170 + i * 17), fill=paper, width=7)
    _text(draw, (550, 330), "SLOW EVENING", 92, ink, spacing=14, weight=2)
    _text(draw, (550, 430), "fig  /  black tea  /  oak moss", 50, accent, spacing=3)
    draw.line((330, 505, 770, 505), fill=ink, width=3)
    _text(draw, (550, 575), "SOY WAX CANDLE", 52, ink, spacing=10, weight=1)
    _text(draw, (550, 680), "180 g      40 h", 48, ink, spacing=4)
    draw.rectangle((22, 22, 1077, 777), outline=ink, width=4)
    return image


def _perfume() -> Image.Image:
    paper, ink = (247, 244, 238), (38, 34, 36)
    image = Image.new("RGB", (900, 760), paper)
    draw = ImageDraw.Draw(image)
    draw.rectangle((26, 26, 873, 733), outline=ink, width=4)
    _text(draw, (450, 200), "No. 7", 190, ink, spacing=6, weight=2)
    draw.line((300, 340, 600, 340), fill=ink, width=3)
    _text(draw, (450, 430), "ATELIER LUNE", 84, ink, spacing=14, weight=1)
    _text(draw, (450, 540), "eau de parfum", 64, ink, spacing=4)
    _text(draw, (450, 640), "50 ml", 56, ink, spacing=4)
    return image


def _mug() -> Image.Image:
    blue, rust = (44, 66, 92), (182, 96, 62)
    image = Image.new("RGBA", (2000, 1000), (*blue, 0))
    draw = ImageDraw.Draw(image)
    rng = np.random.default_rng(8)
    draw.ellipse((905, 130, 1125, 350), fill=rust)
    for i, x in enumerate(np.linspace(90, 1910, 13)):
        tall = 520 if i % 2 else 390
        height = tall + float(rng.uniform(-60, 60))
        lean = float(rng.uniform(-0.22, 0.22))
        _sprig(draw, (float(x), 940), height, lean=lean, leaf=118, ink=blue, pairs=6)
    return image


def _tea_front() -> Image.Image:
    base, cream, gold = (30, 74, 76), (240, 230, 208), (214, 164, 84)
    image = Image.new("RGB", (1100, 1600), base)
    draw = ImageDraw.Draw(image)
    for i in range(9):
        # Hills of a tea garden, each a little lighter than the one before.
        y = 1010 + i * 68
        t = np.linspace(0, 1100, 60)
        wave = y + 46 * np.sin(t / 170 + i * 1.7) + 20 * np.sin(t / 61 + i)
        points = [(float(a), float(b)) for a, b in zip(t, wave, strict=True)]
        tint = tuple(int(c) for c in np.array([48, 104, 92]) + i * np.array([13, 12, 4]))
        draw.polygon([*points, (1100, 1600), (0, 1600)], fill=(tint[0], tint[1], tint[2]))
    draw.ellipse((770, 790, 970, 990), fill=gold)
    draw.rectangle((130, 150, 970, 720), fill=cream)
    draw.rectangle((152, 172, 948, 698), outline=base, width=5)
    _text(draw, (550, 280), "HILLSIDE", 138, base, spacing=18, weight=4)
    _text(draw, (550, 400), "GREEN TEA", 92, base, spacing=16, weight=2)
    draw.line((360, 482, 740, 482), fill=gold, width=8)
    _text(draw, (550, 560), "first flush sencha", 60, base, spacing=2)
    _text(draw, (550, 636), "20 pyramid bags", 50, base, spacing=2)
    return image


def _tea_side() -> Image.Image:
    base, cream, gold = (30, 74, 76), (240, 230, 208), (214, 164, 84)
    image = Image.new("RGB", (560, 1600), base)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 1010, 560, 1600), fill=(58, 116, 96))
    _text(draw, (280, 200), "HILLSIDE", 78, cream, spacing=8, weight=2)
    draw.line((120, 270, 440, 270), fill=gold, width=6)
    font = _font(38)
    lines = (
        "Brew one bag",
        "with 200 ml of",
        "water at 75 C",
        "for two minutes.",
        "",
        "Store dry and",
        "away from light.",
    )
    for i, line in enumerate(lines):
        draw.text((112, 330 + i * 58), line, fill=cream, font=font)
    draw.rectangle((90, 1180, 470, 1440), fill=cream)
    _barcode(draw, (120, 1205, 440, 1375), (20, 20, 20), 12)
    draw.text((150, 1385), "4 260733 120208", fill=(20, 20, 20), font=_font(32))
    return image


def _tote() -> Image.Image:
    ink = (52, 50, 48)
    image = Image.new("RGBA", (1000, 700), (*ink, 0))
    draw = ImageDraw.Draw(image)
    _text(draw, (500, 150), "GOOD", 210, ink, spacing=26, weight=5)
    _text(draw, (500, 370), "MARKET", 210, ink, spacing=14, weight=5)
    draw.rectangle((120, 500, 880, 512), fill=ink)
    _text(draw, (500, 590), "bread  fruit  flowers", 72, ink, spacing=6, weight=1)
    return image


_ARTWORK: dict[str, Callable[[], Image.Image]] = {
    "amber-front": _amber_front,
    "amber-back": _amber_back,
    "candle": _candle,
    "perfume": _perfume,
    "mug": _mug,
    "tea-front": _tea_front,
    "tea-side": _tea_side,
    "tote": _tote,
}


@lru_cache(maxsize=16)
def artwork(name: str) -> Print:
    """Return the print called `name`, drawn on first use."""
    return Print(_ARTWORK[name]())
