"""A text becomes lines: measured, broken, balanced, drawn.

Owns measuring and drawing of one text in one weight over several fonts and directions. Does not
own which size it gets (`stack`) nor where it goes.

Units: measures are in em (1 is the size of the type), so that they hold for every size; y grows
downwards and is 0 on the baseline. Drawing is in canvas pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from gpu_workers.errors import WordsUnfit
from gpu_workers.imaging.arrays import Matte
from gpu_workers.imaging.layout.bidi import first_strong, has_rtl, levels, visual_order
from gpu_workers.imaging.layout.breaking import (
    SOFT_HYPHEN,
    ZERO_WIDTH_SPACE,
    Piece,
    cleaned,
    clusters,
    pieces,
    shown,
)
from gpu_workers.imaging.layout.fonts import FontChain, open_font
from gpu_workers.imaging.layout.sfnt import Face

SHARP: Final = 4
"""Letters are drawn this many times larger and averaged: even edges, quarter-pixel places, and
widths that do not jump with hinting."""
_MEASURED_PX: Final = 240.0
_DRAWN_PX: Final = 120.0
_CLEAR: Final = 0.07
"""Least room between the ink of two lines, in em: high and deep marks never touch."""
_COST_WEIGHT: Final = 0.35
"""What parting a word badly weighs against a line this share of the width short."""
_MOST_CHARACTERS: Final = 600
_UNSEEN: Final = SOFT_HYPHEN + ZERO_WIDTH_SPACE


@dataclass(frozen=True, slots=True)
class Type:
    """How a text is set."""

    chain: FontChain
    weight: int
    leading: float
    """Distance of two baselines, in em; more where the ink needs it."""
    language: str = ""
    base: int | None = None
    """Level of the paragraph, 0 or 1, where its letters run both ways; None: as the first."""


@dataclass(frozen=True, slots=True)
class Run:
    """Characters that one font sets in one direction."""

    text: str
    face: Face
    is_rtl: bool


@dataclass(frozen=True, slots=True)
class Extent:
    """Room that a line takes, in em."""

    advance: float
    left: float
    """First column with ink, from where the line begins."""
    right: float
    """Column behind the last ink."""
    ascent: float
    """Height of the ink above the baseline."""
    descent: float
    """Depth of the ink below the baseline."""

    @property
    def width(self) -> float:
        """From first to last ink."""
        return self.right - self.left


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a text, in the order it is seen."""

    runs: tuple[Run, ...]
    extent: Extent
    break_cost: float = 0.0
    """How much a reader minds that it ends where it does, 0 to 1."""
    ends_in_guess: bool = False


@dataclass(frozen=True, slots=True)
class _Paragraph:
    text: str
    levels: list[int]
    faces: list[Face]
    """One for each character."""
    pieces: tuple[Piece, ...]
    widths: list[float]
    """Advance of each piece."""
    reached: list[float]
    """Where each piece begins, and behind the last the end, were all of them on one line."""
    spaces: list[float]
    """Advance of the space behind each piece, 0 where there is none."""
    hyphen: float


class Words:
    """One text, measured once."""

    def __init__(self, name: str, text: str, how: Type) -> None:
        """Measure a text.

        Parameters
        ----------
        name
            What errors call it.

        Raises
        ------
        WordsUnfit
            If it is empty or too long for any picture, or no font has one of its characters.
        """
        self.name = name
        self.text = cleaned(text)
        self.how = replace(how, chain=how.chain.for_text(self.text))
        if not self.text:
            raise WordsUnfit(f"{name}: there are no words in it; leave it out or write some")
        if len(self.text) > _MOST_CHARACTERS:
            raise WordsUnfit(
                f"{name}: {len(self.text)} characters; at most {_MOST_CHARACTERS} fit any picture"
            )
        faces = self._faces()
        self._paragraphs: list[_Paragraph] = []
        place = 0
        for each in self.text.split("\n"):
            self._paragraphs.append(self._measured(each, faces[place : place + len(each)]))
            place += len(each) + 1

    @cached_property
    def widest(self) -> float:
        """Width of the widest piece that cannot be parted, in em."""
        return max(
            width + each.hyphen * piece.is_hyphenated
            for each in self._paragraphs
            for piece, width in zip(each.pieces, each.widths, strict=True)
        )

    @cached_property
    def widest_piece(self) -> str:
        """The piece of that width."""
        _, text = max(
            (width, shown(each.text, piece.start, piece.end))
            for each in self._paragraphs
            for piece, width in zip(each.pieces, each.widths, strict=True)
        )
        return text

    @cached_property
    def whole(self) -> float:
        """Width of the text on as few lines as its writer made, in em."""
        return max(self._width(each, 0, len(each.pieces)) for each in self._paragraphs)

    @cached_property
    def ascent(self) -> float:
        """Height above the baseline of its highest ink, in em."""
        return max(line.extent.ascent for line in self.lines(math.inf))

    @cached_property
    def descent(self) -> float:
        """Depth below the baseline of its deepest ink, in em."""
        return max(line.extent.descent for line in self.lines(math.inf))

    @property
    def line_step(self) -> float:
        """Distance of two baselines, in em."""
        return max(self.how.leading, self.ascent + self.descent + _CLEAR)

    def height(self, lines: int) -> float:
        """Height of so many lines from highest to lowest ink, in em."""
        return self.ascent + self.descent + (lines - 1) * self.line_step

    def count_lines(self, width: float) -> int:
        """Return how many lines it takes within a width in em, at least."""
        return sum(len(self._filled(each, width)) for each in self._paragraphs)

    def lines(self, width: float) -> tuple[Line, ...]:
        """Return as few lines as a width in em allows, of as even a length as they can be."""
        found = []
        for each in self._paragraphs:
            begin = 0
            for end in self._balanced(each, width):
                found.append(self._line(each, begin, end))
                begin = end
        return tuple(found)

    def shortened(self, count: int) -> str:
        """Return the first so many characters as readers see them."""
        return "".join(clusters(self.text)[:count]).strip()

    @property
    def length(self) -> int:
        """Number of characters as readers see them."""
        return len(clusters(self.text))

    def _faces(self) -> list[Face]:
        found: list[Face] = []
        missing: list[str] = []
        before: Face | None = None
        for cluster in clusters(self.text):
            # Signs and spaces keep the font of the letters they follow.
            is_letter = cluster[0].isalnum()
            face = self.how.chain.face_for(cluster, None if is_letter else before)
            if face is None:
                missing.append(cluster)
                face = self.how.chain.faces[0]
            before = face if is_letter else before
            found.extend([face] * len(cluster))
        if missing:
            signs = " ".join(dict.fromkeys(missing))
            codes = ", ".join(dict.fromkeys(f"U+{ord(each[0]):04X}" for each in missing))
            raise WordsUnfit(
                f"{self.name}: no font here can write {signs} ({codes}); write it otherwise, or "
                "put a font that has it into the operator's font folder (PACKSHOT_FONTS_DIR)"
            )
        return found

    def _measured(self, text: str, faces: list[Face]) -> _Paragraph:
        base = first_strong(text) or 0
        if self.how.base is not None and has_rtl(text):
            base = self.how.base
        parts = pieces(text)
        paragraph = _Paragraph(text, levels(text, base), faces, parts, [], [], [], hyphen=0.0)
        for piece in parts:
            runs = self._runs(paragraph, piece.start, piece.end, hyphen=False)
            paragraph.widths.append(self._advance(runs))
        reached = [0.0]
        for place, piece in enumerate(parts):
            paragraph.spaces.append(self._space(paragraph, place) if piece.is_spaced else 0.0)
            reached.append(reached[-1] + paragraph.widths[place] + paragraph.spaces[place])
        hyphen = self.how.chain.face_for("-", faces[0]) or faces[0]
        return replace(
            paragraph,
            reached=reached,
            hyphen=self._advance((Run("-", hyphen, is_rtl=False),)),
        )

    def _space(self, paragraph: _Paragraph, place: int) -> float:
        """Return what the space behind a piece adds: fonts kern it, the Korean ones by 5 %."""
        before, after = paragraph.pieces[place], paragraph.pieces[place + 1]
        both = self._advance(self._runs(paragraph, before.start, after.end, hyphen=False))
        return both - paragraph.widths[place] - paragraph.widths[place + 1]

    def _runs(
        self, paragraph: _Paragraph, start: int, end: int, *, hyphen: bool = True
    ) -> tuple[Run, ...]:
        """Return what is seen of a part of a paragraph, from left to right."""
        text = paragraph.text
        kept = [place for place in range(start, end) if text[place] not in _UNSEEN]
        characters = [
            (text[place], paragraph.levels[place], paragraph.faces[place]) for place in kept
        ]
        if hyphen and text[end - 1] == SOFT_HYPHEN:
            _, level, face = characters[-1]
            characters.append(("-", level, self.how.chain.face_for("-", face) or face))
        runs: list[tuple[list[str], Face, int]] = []
        # Runs are cut in the order of reading, so that each keeps its letters in that order for
        # the shaper, and then put in the order of seeing.
        for character, level, face in characters:
            if runs and runs[-1][1] is face and runs[-1][2] == level:
                runs[-1][0].append(character)
            else:
                runs.append(([character], face, level))
        order = visual_order([level for _, _, level in runs])
        return tuple(
            Run("".join(runs[place][0]), runs[place][1], runs[place][2] % 2 == 1) for place in order
        )

    def _advance(self, runs: tuple[Run, ...]) -> float:
        """Return how far the runs move the pen, in em."""
        width = 0.0
        for run in runs:
            font = open_font(run.face, _MEASURED_PX, self.how.weight)
            width += font.getlength(run.text, **_options(run, self.how))
        return width / _MEASURED_PX

    def _extent(self, runs: tuple[Run, ...]) -> Extent:
        """Return what the runs cover, in em.

        Read from drawn ink: the box that Pillow measures reaches from the pen's first place to its
        last, and large type set by it stands visibly further in than small type below it.
        """
        pen, left, right, top, bottom = 0.0, math.inf, -math.inf, math.inf, -math.inf
        for run in runs:
            font = open_font(run.face, _DRAWN_PX, self.how.weight)
            options = _options(run, self.how)
            mask, offset = font.getmask2(run.text, mode="L", anchor="ls", **options)
            ink = mask.getbbox()
            if ink is not None:
                left, right = (
                    min(left, pen + offset[0] + ink[0]),
                    max(right, pen + offset[0] + ink[2]),
                )
                top, bottom = min(top, offset[1] + ink[1]), max(bottom, offset[1] + ink[3])
            pen += font.getlength(run.text, **options)
        if right < left:
            left, right, top, bottom = 0.0, pen, 0.0, 0.0
        scale = 1 / _DRAWN_PX
        return Extent(pen * scale, left * scale, right * scale, -top * scale, bottom * scale)

    def _width(self, paragraph: _Paragraph, begin: int, end: int) -> float:
        last = paragraph.pieces[end - 1]
        width = paragraph.reached[end] - paragraph.reached[begin]
        return width - paragraph.spaces[end - 1] + paragraph.hyphen * last.is_hyphenated

    def _filled(self, paragraph: _Paragraph, width: float) -> list[int]:
        """Return the ends of lines that take as many pieces as fit."""
        ends, begin = [], 0
        count = len(paragraph.pieces)
        taken = 0.0
        for place, piece in enumerate(paragraph.pieces):
            own = paragraph.widths[place]
            if place > begin and taken + own + paragraph.hyphen * piece.is_hyphenated > width:
                ends.append(place)
                begin, taken = place, 0.0
            taken += own + paragraph.spaces[place]
        return [*ends, count]

    def _balanced(self, paragraph: _Paragraph, width: float) -> list[int]:
        """Return the ends of as few lines, none much shorter than the others.

        Least squares over the room left on each line (Knuth and Plass 1981, with their demerits
        reduced to width and to the cost of the break).
        """
        filled = self._filled(paragraph, width)
        count, total = len(filled), len(paragraph.pieces)
        if count == 1:
            return filled
        best: list[dict[int, tuple[float, int]]] = [{0: (0.0, 0)}]
        for row in range(count):
            reached: dict[int, tuple[float, int]] = {}
            for begin, (demerits, _) in best[row].items():
                for end in range(begin + 1, total - (count - row - 1) + 1):
                    taken = self._width(paragraph, begin, end)
                    if taken > width and end > begin + 1:
                        break
                    short = (1 - taken / width) ** 2
                    is_last = end == total
                    cost = 0.0 if is_last else paragraph.pieces[end - 1].cost
                    sum_ = demerits + short + cost * _COST_WEIGHT
                    if end not in reached or sum_ < reached[end][0]:
                        reached[end] = (sum_, begin)
            best.append(reached)
        ends, end = [], total
        for row in range(count, 0, -1):
            if end not in best[row]:
                return filled
            ends.append(end)
            end = best[row][end][1]
        return ends[::-1]

    def _line(self, paragraph: _Paragraph, begin: int, end: int) -> Line:
        first, last = paragraph.pieces[begin], paragraph.pieces[end - 1]
        runs = self._runs(paragraph, first.start, last.end)
        is_over = end == len(paragraph.pieces)
        return Line(
            runs,
            self._extent(runs),
            break_cost=0.0 if is_over else last.cost,
            ends_in_guess=last.is_guess and not is_over,
        )


def draw_line(
    line: Line, how: Type, *, size: float, x: float, baseline: float, box: tuple[int, int, int, int]
) -> Matte:
    """Return where a line's ink is.

    Parameters
    ----------
    size
        Of the type, in canvas pixels.
    x, baseline
        Where its first ink and its baseline come to lie on the canvas.
    box
        Left, top, width and height of the part of the canvas that is returned.

    Returns
    -------
    (h, w) float32, 0 to 1.
    """
    left, top, width, height = box
    sheet = Pillow.new("L", (width * SHARP, height * SHARP))
    draw = ImageDraw.Draw(sheet)
    pen = (x - left - line.extent.left * size) * SHARP
    for run in line.runs:
        font = open_font(run.face, size * SHARP, how.weight)
        options = _options(run, how)
        draw.text(
            (pen, (baseline - top) * SHARP), run.text, fill=255, font=font, anchor="ls", **options
        )
        pen += font.getlength(run.text, **options)
    ink = cv2.resize(np.asarray(sheet), (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(ink, np.float32) / np.float32(255)


def _options(run: Run, how: Type) -> dict[str, Any]:
    options: dict[str, Any] = {
        "direction": "rtl" if run.is_rtl else "ltr",
        # Figures as high as capitals: prices in old-style figures look as if set by accident.
        "features": ["lnum"],
    }
    if how.language:
        options["language"] = how.language
    return options
