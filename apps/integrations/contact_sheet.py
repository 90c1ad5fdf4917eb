"""A contact sheet: all pictures of a folder on one page. Pure apart from reading the files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

_CELL = 320
_GAP = 16
_LABEL = 28


def contact_sheet(pictures: Sequence[tuple[Path, str]]) -> Image.Image:
    """Return the sheet: each picture fitted into a 320 px cell over its label.

    Parameters
    ----------
    pictures
        Files that we made ourselves, each with its label; at least one.
    """
    columns = min(5, math.ceil(math.sqrt(len(pictures))))
    rows = math.ceil(len(pictures) / columns)
    width = columns * (_CELL + _GAP) + _GAP
    height = rows * (_CELL + _LABEL + _GAP) + _GAP
    sheet = Image.new("RGB", (width, height), "#e6e6e6")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=13)
    for number, (path, label) in enumerate(pictures):
        row, column = divmod(number, columns)
        x, y = _GAP + column * (_CELL + _GAP), _GAP + row * (_CELL + _LABEL + _GAP)
        with Image.open(path) as picture:
            picture.draft("RGB", (_CELL, _CELL))
            cell = picture.convert("RGB")
            cell.thumbnail((_CELL, _CELL), Image.Resampling.LANCZOS)
        sheet.paste(cell, (x + (_CELL - cell.width) // 2, y + (_CELL - cell.height) // 2))
        draw.text((x, y + _CELL + 6), label[:44], font=font, fill="#1b1b1b")
    return sheet
