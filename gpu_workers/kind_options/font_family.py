"""The type families that come along, as a template, a brand kit and a page name them.

Owns the names and where each family's file lies; does not open one. Standard library only.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal, TypeAlias

FontFamily: TypeAlias = Literal["sans", "grotesk", "serif", "condensed"]

FONT_FAMILIES: Final[dict[FontFamily, tuple[str, str, str]]] = {
    "sans": ("Noto Sans", "manimgx_fonts", "NotoSans[wght].ttf"),
    "grotesk": ("Inter", "fontpkg_inter", "files/Inter[opsz,wght].ttf"),
    "serif": ("Playfair Display", "fontpkg_playfair_display", "files/PlayfairDisplay[wght].ttf"),
    "condensed": ("Oswald", "fontpkg_oswald", "files/Oswald[wght].ttf"),
}
"""Title, package and file of each family; all under the SIL Open Font License 1.1."""


def family_file(family: FontFamily) -> Path | None:
    """Return the file of a family, one font with variable weight; None if it is not installed."""
    _, package, name = FONT_FAMILIES[family]
    folder = package_folder(package)
    return folder / name if folder is not None and (folder / name).is_file() else None


@lru_cache(maxsize=8)
def package_folder(package: str) -> Path | None:
    """Return the folder of an installed package without importing it, or None."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        return None
    return Path(next(iter(found.submodule_search_locations)))
