"""The product with words: banners, posts, stories, sale badges.

Owns the order of the layers: backdrop and product, field or card, logo, words, badge. The product
stands in a zone of its own and is not painted over; what is set is measured on the finished canvas.
Does not own geometry, type or contrast (`imaging.layout`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Final, Protocol

import numpy as np

from gpu_workers.config import fonts_folder
from gpu_workers.errors import OrderInvalid, WordsUnfit
from gpu_workers.imaging.arrays import Image, Matte, to_linear
from gpu_workers.imaging.codec import Source
from gpu_workers.imaging.color import from_hex, luminance
from gpu_workers.imaging.framing import Box, product_box, resample
from gpu_workers.imaging.layout.badge import (
    PROPORTION,
    ROOM,
    TILT_DEG,
    badge_shape,
    rounded,
    turned,
)
from gpu_workers.imaging.layout.bidi import is_mostly_rtl
from gpu_workers.imaging.layout.casing import upper
from gpu_workers.imaging.layout.fonts import font_chain
from gpu_workers.imaging.layout.ink import (
    AIMED,
    READABLE,
    choose_ink,
    contrast,
    contrast_of,
    ground_under,
    lay,
    readable_on,
    soft_field,
    worst_contrast,
)
from gpu_workers.imaging.layout.paragraph import Type, Words, draw_line
from gpu_workers.imaging.layout.stack import (
    PlacedText,
    Room,
    Stack,
    Style,
    set_stack,
)
from gpu_workers.imaging.layout.zones import ROOMS, Zones, fitted, grown, intersects, plan_zones
from gpu_workers.kind_options.collateral import TEXTS, CollateralOptions
from gpu_workers.pipelines.cutout import Subject
from gpu_workers.pipelines.finishing import Composition
from gpu_workers.pipelines.inputs import Inputs
from gpu_workers.protocol import RenderOrder

_LEAST_PX: Final = 10
"""Smallest type in the smallest file: below, letters of most scripts run together."""
_WEIGHTS: Final[dict[str, tuple[int, float]]] = {
    "headline": (760, 1.08),
    "subline": (470, 1.34),
    "price": (780, 1.05),
    "old_price": (500, 1.05),
    "badge": (760, 1.04),
    "call_to_action": (640, 1.2),
    "legal": (520, 1.36),
}
"""Weight of each text and distance of its lines in em; small print is heavier, since hairlines of
a serif vanish at its size."""
_BADGE_STYLE: Final = {"badge": Style(ratio=1.0, most=1.0, gap=0.0, floor=0.03)}
_BADGE_SIZES: Final = (1.0, 0.86, 0.74, 1.22, 1.5)
"""Shares of its ordered size that are tried: smaller for the product's sake, then larger where its
words could not be read otherwise."""
_FILLS: Final = (1.0, 0.9, 0.8, 0.7, 0.6)
"""Shares of its ordered size in which the product then gives way to the badge."""
_BADGE_AIR: Final = 0.02
"""Air between a badge and other words, as a share of the shorter side."""
_BADGE_BESIDE: Final = 0.46
"""Largest badge, as a share of the shorter side of the product's room."""
_BADGE_TOUCH: Final = 0.03
"""Part of a badge that may lie over the product before another place or size is tried."""
_LIKE_GROUND: Final = 3.0
"""Least contrast of a button to its ground (WCAG 2.2, 1.4.11)."""
_LOGO_SEEN: Final = 1.6
"""Contrast from which a pixel of a logo stands out from its ground."""
_LOGO_WIDEST: Final = 0.7
"""Widest logo, as a share of the width of the words' room."""
_LOGO_ENLARGED: Final = 1.5
_STRUCK: Final = 0.06
"""Thickness of the line through an old price, in sizes of its type."""
_SLIM: Final = 0.72
"""Width over height below which a product is slim."""
_COST_BESIDE: Final = 0.4
"""Most discomfort of words in the narrow column beside a slim product."""
_FADE: Final = 0.35
"""Length on which a field under words fades out towards the product, as a share of the shorter
side: a field with an edge looks like a mistake."""
_LARGE_ENOUGH: Final = 0.66
"""Size of a headline, over the one it has where there is room, that needs no more room."""
_OVER_PRODUCT: Final = 0.1


class Backdrop(Protocol):
    """Puts a subject into a zone of its scene."""

    def __call__(
        self,
        subject: Subject,
        order: RenderOrder,
        canvas: tuple[int, int],
        fill: float,
        zone: Box | None = None,
        /,
    ) -> Composition:
        """Return the composed canvas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lettered(Subject):
    """A product and the logo that comes with its words."""

    logo: Source | None = None


@dataclass(frozen=True, slots=True)
class _Copy:
    """The words of an order, measured."""

    words: Mapping[str, Words]
    is_rtl: bool

    def without_badge(self) -> dict[str, Words]:
        return {name: words for name, words in self.words.items() if name != "badge"}


def obtain_collateral(inputs: Inputs) -> Subject:
    """Return the product with the logo; words that cannot be set are refused before any work."""
    _copy_of(inputs.order)
    logo = inputs.picture("logo")
    subject = inputs.subject()
    return Lettered(
        **{each.name: getattr(subject, each.name) for each in fields(subject)}, logo=logo
    )


def with_words(
    backdrop: Backdrop,
) -> Callable[[Subject, RenderOrder, tuple[int, int], float], Composition]:
    """Return the composition of words over what `backdrop` makes of a zone."""

    def compose(
        subject: Subject, order: RenderOrder, canvas: tuple[int, int], fill: float
    ) -> Composition:
        return _compose(backdrop, subject, order, canvas, fill)

    return compose


def _compose(
    backdrop: Backdrop, subject: Subject, order: RenderOrder, canvas: tuple[int, int], fill: float
) -> Composition:
    if order.scene.mode == "none":
        raise OrderInvalid(
            "scene.mode: a collateral needs a backdrop; choose solid, sweep or surface"
        )
    options: CollateralOptions = order.scene.options
    copy = _copy_of(order)
    zones, room, stack, mark = _settled(copy, order, canvas, subject)
    zones = fitted(zones, options.layout, stack.box if stack else None, canvas)
    badge = copy.words.get("badge")
    for share in _FILLS:
        base = backdrop(subject, order, canvas, fill * share, zones.product)
        sheet = _Sheet(base, options, room)
        if badge is None:
            break
        spot = sheet.place_for_badge(badge, zones, stack, rtl=copy.is_rtl)
        if spot.hidden <= _BADGE_TOUCH:
            break
    if zones.panel is not None:
        sheet.lay_panel(zones.panel)
    if stack is not None:
        sheet.set_words(stack, mark, zones)
    if badge is not None:
        sheet.set_badge(spot)
    return sheet.finished(stack)


def _settled(
    copy: _Copy,
    order: RenderOrder,
    canvas: tuple[int, int],
    subject: Subject,
) -> tuple[Zones, Room, Stack | None, _Logo | None]:
    """Return the smallest room in which words are large enough, or the largest there is."""
    options: CollateralOptions = order.scene.options
    words = copy.without_badge()
    source = subject.logo if isinstance(subject, Lettered) else None
    is_slim = subject.product.width < _SLIM * subject.product.height
    # Beside a slim product first; then, as for all others, from the usual room to the largest.
    tries = [(True, more) for more in range(ROOMS - 1) if is_slim]
    tries += [(False, more) for more in range(ROOMS)]
    for beside, more in tries:
        zones = plan_zones(
            options, canvas, rtl=copy.is_rtl, hangs=subject.hangs, is_slim=beside, more=more
        )
        room = replace(_room(zones, order, canvas), is_rtl=copy.is_rtl)
        logo = _Logo.of(source, options, zones, canvas)
        if not words and logo is None:
            return zones, room, None, None
        is_last = (beside, more) == tries[-1]
        try:
            stack = set_stack(
                words,
                room,
                logo=logo.size if logo else None,
                logo_is_first=options.logo_position == "above_text",
            )
        except WordsUnfit:
            if is_last:
                raise
            continue
        is_good = stack.reached >= _LARGE_ENOUGH
        if beside:
            # A narrow column is worth it only for words that do not mind.
            is_good = is_good and stack.discomfort <= _COST_BESIDE
        if is_good or is_last:
            break
    return zones, room, stack, logo


def _copy_of(order: RenderOrder) -> _Copy:
    """Return the words of an order, measured in its fonts.

    Raises
    ------
    WordsUnfit
        If there are none, the layout sets none of this name, or one of them cannot be written.
    """
    options: CollateralOptions = order.scene.options
    given: dict[str, str] = {name: order.texts[name] for name in TEXTS if name in order.texts}
    needed = ("badge",) if options.layout == "badge_only" else ("headline", "subline", "price")
    if not given.keys() & set(needed):
        raise WordsUnfit(f"a {options.layout} sets words: give at least one of {', '.join(needed)}")
    if options.layout == "badge_only" and (extra := given.keys() - {"badge", "legal"}):
        raise WordsUnfit(
            f"a badge_only sets no {', '.join(sorted(extra))}; leave it out, or take another layout"
        )
    if options.headline_case == "upper" and "headline" in given:
        given["headline"] = upper(given["headline"], options.language)
    chains = {
        family: font_chain(
            family,
            language=options.language,
            sample=" ".join(given.values()),
            own=options.own_font,
            folder=fonts_folder(),
        )
        for family in {options.font, options.headline_font or options.font}
    }
    base = {"auto": None, "ltr": 0, "rtl": 1}[options.direction]
    words: dict[str, Words] = {}
    for name, text in given.items():
        weight, leading = _WEIGHTS[name]
        family = (options.headline_font if name == "headline" else None) or options.font
        type_ = Type(chains[family], weight, leading, options.language, base)
        words[name] = Words(name, text, type_)
    lead = next(iter(words.values()))
    return _Copy(words, is_rtl=is_mostly_rtl(lead.text) if base is None else base == 1)


def _room(zones: Zones, order: RenderOrder, canvas: tuple[int, int]) -> Room:
    alike = [
        output.width_px
        for output in order.outputs
        if output.width_px * canvas[1] == output.height_px * canvas[0]
    ]
    return Room(
        box=zones.text,
        align=zones.align,
        hold=zones.hold,
        largest=zones.largest,
        is_low=zones.grows in ("up", "down"),
        side=min(canvas),
        least=_LEAST_PX * canvas[0] / min(alike, default=canvas[0]),
        canvas=f"{canvas[0]}x{canvas[1]} ({order.scene.options.layout})",
    )


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where a badge goes."""

    hidden: float
    """Part of it that lies over the product, 0 to 1."""
    box: Box
    words: Stack
    """Its words, set around the origin of `box`."""


@dataclass(frozen=True, slots=True)
class _Logo:
    """A logo cut to what is visible of it, and the size it should have."""

    color: Image
    """(h, w, 3) float32 linear sRGB, premultiplied."""
    matte: Matte
    size: tuple[int, int]

    @classmethod
    def of(
        cls,
        source: Source | None,
        options: CollateralOptions,
        zones: Zones,
        canvas: tuple[int, int],
    ) -> _Logo | None:
        if source is None:
            return None
        matte = source.alpha
        if matte is None:
            matte = np.ones(source.photo.shape[:2], np.float32)
        box = product_box(matte)
        if box is None:
            raise OrderInvalid("logo: nothing in it is visible; choose another file")
        rows, columns = slice(box.top, box.bottom), slice(box.left, box.right)
        matte = matte[rows, columns]
        color = to_linear(source.photo[rows, columns]) * matte[..., np.newaxis]
        height = options.logo_height * min(canvas)
        height = min(height, _LOGO_WIDEST * zones.text.width * box.height / box.width)
        size = (max(1, round(height * box.width / box.height)), max(1, round(height)))
        return cls(color, matte, size)

    def at(self, box: Box) -> tuple[Image, Matte]:
        size = (box.width, box.height)
        return np.clip(resample(self.color, size), 0, 1), np.clip(resample(self.matte, size), 0, 1)

    def is_enlarged(self, box: Box) -> bool:
        return box.width > _LOGO_ENLARGED * int(self.matte.shape[1])


class _Sheet:
    """The canvas that words are set on, and the account of them."""

    def __init__(self, base: Composition, options: CollateralOptions, room: Room) -> None:
        self._base = base
        self._options = options
        self._room = room
        self._canvas = base.size
        self._image = np.array(base.image, np.float32)
        self._free = 1 - base.matte
        """Opacity of everything but the product: what fields may cover."""
        self._grounds: tuple[str, ...] = ()
        self._contrasts: list[float] = []
        self._inked = 0.0
        self._on_product = 0.0
        self._warnings: list[str] = []

    def lay_panel(self, panel: Box) -> None:
        """Lay a field or a card under the words."""
        is_card = self._options.layout == "price_card"
        color = self._options.paper if is_card else self._options.primary
        radius = min(self._options.corner_radius, 0.08) if is_card else 0.0
        coverage = rounded((panel.width, panel.height), radius)
        self._lay_behind(color, coverage, panel)
        self._grounds = (color,)

    def set_words(self, stack: Stack, logo: _Logo | None, zones: Zones) -> None:
        """Set texts and logo in an ink that can be read."""
        plain = [text for text in stack.texts if text.button is None]
        ink = self._ink(stack, plain, zones)
        if logo is not None and stack.logo is not None:
            self._set_logo(logo, stack.logo)
        for text in stack.texts:
            if text.button is not None:
                self._set_button(text, text.button)
                continue
            ground = ground_under(self._image, [self._around(text)])
            color = ink
            accent = self._options.accent
            if text.name == "price" and worst_contrast(accent, ground) >= AIMED:
                color = accent
            self._contrasts.append(worst_contrast(color, ground))
            self._draw(text, color)

    def place_for_badge(
        self, words: Words, zones: Zones, stack: Stack | None, *, rtl: bool
    ) -> _Spot:
        """Return where a badge hides least of the product, smaller if that lets it hide nothing.

        Raises
        ------
        WordsUnfit
            If there is no room for it, or its words cannot be read in it.
        """
        taken = [grown(stack.box, round(_BADGE_AIR * self._room.side))] if stack else []
        if zones.panel is not None:
            taken.append(zones.panel)
        beside = _BADGE_BESIDE * min(zones.product.width, zones.product.height)
        wanted = min(self._options.badge_size * self._room.side, beside)
        found: _Spot | None = None
        for share in _BADGE_SIZES:
            width = round(share * wanted)
            size = (width, round(width / PROPORTION[self._options.badge_shape]))
            inside = self._badge_words(words, size)
            if inside is None or (share > 1 and found is not None):
                continue
            place = self._badge_place(size, zones, taken, rtl=rtl)
            if place is not None and (found is None or place[0] < found.hidden - _BADGE_TOUCH):
                found = _Spot(*place, inside)
            if found is not None and found.hidden <= _BADGE_TOUCH:
                break
        if found is None:
            raise WordsUnfit(
                f"badge: there is no room for {words.text!r} on {self._room.canvas}; shorten it, "
                "or choose another layout or a larger badge_size"
            )
        return found

    def finished(self, stack: Stack | None) -> Composition:
        """Return the canvas with what was measured on it."""
        overlap = self._on_product / max(self._inked, 1e-6)
        least = min(self._contrasts)
        warnings = list(self._warnings)
        if stack is not None and stack.is_shrunk:
            warnings.append("text_shrunk")
        if stack is not None and stack.has_guessed_breaks:
            warnings.append("line_breaks_guessed")
        if least < READABLE:
            warnings.append("text_contrast")
        if overlap >= _OVER_PRODUCT:
            warnings.append("text_over_product")
        checks = {
            **self._base.checks,
            "text_contrast_min": round(least, 2),
            "text_overlaps_product": round(overlap, 4),
        }
        if stack is not None and stack.texts:
            smallest = min(text.size for text in stack.texts)
            checks["text_smallest"] = round(smallest / self._room.side, 4)
        return replace(
            self._base,
            image=self._image,
            exact_white=False,
            checks=checks,
            warnings=(*self._base.warnings, *warnings),
        )

    def _words_side(self, stack: Stack, zones: Zones) -> Box:
        """Return the part of the canvas from behind the words to its edges."""
        width, height = self._canvas
        inner = _clipped(grown(stack.box, round(0.02 * self._room.side)), self._canvas)
        return {
            "left": Box(0, 0, inner.right, height),
            "right": Box(inner.left, 0, width - inner.left, height),
            "up": Box(0, 0, width, inner.bottom),
            "down": Box(0, inner.top, width, height - inner.top),
        }[zones.grows]

    def _ink(self, stack: Stack, plain: list[PlacedText], zones: Zones) -> str:
        """Return the ink of all plain texts, after laying a field under them if one is needed."""
        options = self._options
        inks = (options.ink, options.paper)
        if options.layout == "social_split":
            inks = (options.paper, options.ink)
        grounds = [ground_under(self._image, [self._around(text)]) for text in plain]
        if not grounds:
            return options.ink
        ink, field, opacity = choose_ink(grounds, inks, (options.paper, options.ink))
        if opacity > 0:
            reach = round(_FADE * self._room.side)
            box, coverage = soft_field(self._words_side(stack, zones), reach, self._canvas)
            self._lay_behind(field, coverage * np.float32(opacity), box)
        return ink

    def _around(self, text: PlacedText) -> Box:
        return _clipped(grown(text.ink, max(1, round(0.08 * text.size))), self._canvas)

    def _lay_behind(self, color: str, coverage: Matte, box: Box) -> None:
        """Lay a color between backdrop and product."""
        inside = _clipped(box, self._canvas)
        part = coverage[
            inside.top - box.top : inside.bottom - box.top,
            inside.left - box.left : inside.right - box.left,
        ]
        free = self._free[inside.top : inside.bottom, inside.left : inside.right]
        lay(self._image, from_hex(color), part * free, inside)

    def _set_logo(self, logo: _Logo, box: Box) -> None:
        color, matte = logo.at(box)
        view = self._image[box.top : box.bottom, box.left : box.right]
        solid = matte > 0.5
        opacity = np.maximum(matte, np.float32(1e-3))[..., np.newaxis]
        straight = luminance(np.asarray(color / opacity, np.float32))
        ground = float(np.median(luminance(view)))
        seen = [contrast(float(light), ground) >= _LOGO_SEEN for light in straight[solid][::7]]
        if seen and np.mean(seen) < 0.5:
            light = float(np.median(straight[solid]))
            plate = max(
                (self._options.paper, self._options.ink, "#ffffff", "#000000"),
                key=lambda each: contrast(float(luminance(from_hex(each))), light),
            )
            under = grown(box, round(0.22 * box.height))
            coverage = rounded((under.width, under.height), min(self._options.corner_radius, 0.2))
            self._lay_behind(plate, coverage, under)
        view *= 1 - matte[..., np.newaxis]
        view += color
        if logo.is_enlarged(box):
            self._warnings.append("logo_enlarged")

    def _set_button(self, text: PlacedText, button: Box) -> None:
        options = self._options
        ground = float(np.median(ground_under(self._image, [_clipped(button, self._canvas)])))
        colors = (options.primary, options.accent, options.ink, options.paper)

        def stands_out(color: str) -> float:
            return contrast(float(luminance(from_hex(color))), ground)

        color = next((each for each in colors if stands_out(each) >= _LIKE_GROUND), None)
        color = color or max(colors, key=stands_out)
        coverage = rounded((button.width, button.height), options.corner_radius)
        lay(self._image, from_hex(color), coverage, button)
        self._count(coverage, button)
        ink = readable_on(color, (options.paper, options.primary, options.ink))
        self._contrasts.append(contrast_of(ink, color))
        self._draw(text, ink)

    def _badge_words(self, words: Words, size: tuple[int, int]) -> Stack | None:
        """Return the words of a badge set around the origin, or None if it is too small."""
        share = ROOM[self._options.badge_shape]
        width, height = (round(side * part) for side, part in zip(size, share, strict=True))
        room = replace(
            self._room,
            box=Box((size[0] - width) // 2, (size[1] - height) // 2, width, height),
            align="center",
            hold="middle",
            largest=0.62 * size[1],
        )
        try:
            return set_stack({"badge": words}, room, styles=_BADGE_STYLE)
        except WordsUnfit:
            # A smaller badge cannot hold them either: the caller says so.
            return None

    def _badge_place(
        self, size: tuple[int, int], zones: Zones, taken: list[Box], *, rtl: bool
    ) -> tuple[float, Box] | None:
        """Return how much of the product a badge would hide in its best place, and that place."""
        safe = zones.safe
        shown = _intersection(safe, zones.product)
        # Away from the words where they stand beside the product, else where reading ends.
        is_right_first = zones.grows == "left" or (zones.grows != "right" and not rtl)
        found: tuple[float, Box] | None = None
        for area in (shown, safe):
            if area.width < size[0] or area.height < size[1]:
                continue
            left, right = area.left, area.right - size[0]
            top, bottom = area.top, area.bottom - size[1]
            first, second = (right, left) if is_right_first else (left, right)
            for x, y in ((first, top), (second, top), (first, bottom), (second, bottom)):
                box = Box(x, y, *size)
                if any(intersects(box, each) for each in taken):
                    continue
                hidden = float(self._base.matte[y : y + size[1], x : x + size[0]].mean())
                if found is None or hidden < found[0] - 0.01:
                    found = (hidden, box)
        return found

    def set_badge(self, spot: _Spot) -> None:
        """Paint a badge with its words."""
        box, inside = spot.box, spot.words
        shape, options = self._options.badge_shape, self._options
        size = (box.width, box.height)
        tilt = TILT_DEG[shape]
        coverage = turned(badge_shape(shape, size, options.corner_radius), tilt)
        lay(self._image, from_hex(options.accent), coverage, box)
        self._count(coverage, box)
        ink = readable_on(options.accent, (options.paper, options.ink))
        self._contrasts.append(contrast_of(ink, options.accent))
        letters = np.zeros((box.height, box.width), np.float32)
        for text in inside.texts:
            letters = np.maximum(letters, _letters(text, Box(0, 0, *size)))
        lay(self._image, from_hex(ink), turned(letters, tilt), box)

    def _draw(self, text: PlacedText, color: str) -> None:
        box = _clipped(grown(text.ink, max(2, round(0.15 * text.size))), self._canvas)
        coverage = _letters(text, box)
        self._count(coverage, box)
        lay(self._image, from_hex(color), coverage, box)

    def _count(self, coverage: Matte, box: Box) -> None:
        """Note how much was painted, and how much of it over the product."""
        part = _clipped(box, self._canvas)
        seen = coverage[
            part.top - box.top : part.bottom - box.top,
            part.left - box.left : part.right - box.left,
        ]
        matte = self._base.matte[part.top : part.bottom, part.left : part.right]
        self._inked += float(seen.sum())
        self._on_product += float((seen * matte).sum())


def _letters(text: PlacedText, box: Box) -> Matte:
    """Return the ink of a text within a box of the canvas, struck through where it should be."""
    frame = (box.left, box.top, box.width, box.height)
    coverage = np.zeros((box.height, box.width), np.float32)
    for each in text.lines:
        ink = draw_line(
            each.line, text.words.how, size=text.size, x=each.x, baseline=each.baseline, box=frame
        )
        coverage = np.maximum(coverage, ink)
        if text.is_struck:
            middle = each.baseline - 0.5 * each.line.extent.ascent * text.size - box.top
            half = max(0.75, _STRUCK * text.size / 2)
            rows = np.arange(box.height, dtype=np.float32) + 0.5
            bar = np.clip(half + 0.5 - np.abs(rows - middle), 0, 1)
            reach = 0.08 * text.size
            begin = max(0, round(each.x - reach - box.left))
            end = round(each.x + each.line.extent.width * text.size + reach - box.left)
            coverage[:, begin:end] = np.maximum(coverage[:, begin:end], bar[:, np.newaxis])
    return coverage


def _clipped(box: Box, canvas: tuple[int, int]) -> Box:
    return _intersection(box, Box(0, 0, *canvas))


def _intersection(first: Box, second: Box) -> Box:
    left, top = max(first.left, second.left), max(first.top, second.top)
    right, bottom = min(first.right, second.right), min(first.bottom, second.bottom)
    return Box(left, top, max(0, right - left), max(0, bottom - top))
