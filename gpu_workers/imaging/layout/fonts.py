"""Which font sets which characters.

Owns the chain of fonts behind each family (`kind_options.font_family`) that completes it for other
scripts, and opened fonts at a size and weight. Fonts come inside installed packages,
from the operator's own folder, and last from the system: the same order looks the same on every
machine unless only the system can write it. Files from outside are never opened.

Sizes are canvas pixels to the em, weights 100 to 900.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from PIL import ImageFont

from gpu_workers.errors import OrderInvalid
from gpu_workers.imaging.layout.breaking import is_ignorable
from gpu_workers.imaging.layout.sfnt import Face, FontUnreadable, read_faces
from gpu_workers.kind_options.font_family import FontFamily, family_file, package_folder

_SCRIPTS: Final = "manimgx_fonts"
_EAST_ASIAN: Final = "manimgx_fonts_cjk"
_LAST_OF_SCRIPTS: Final = ("NotoSansSymbols", "NotoEmoji")
"""These hold letters and digits in other guises, and are asked after all others."""
_SUFFIXES: Final = frozenset({".ttf", ".otf", ".ttc", ".otc"})
_SYSTEM: Final = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
_OPEN_FONTS: Final = 48
_OPTICAL_SIZE: Final = 28.0
"""One cut for all sizes, so that widths grow in proportion and lines break alike at any."""
_QUARTER: Final = 4
"""Sizes are opened in quarters of a pixel, so that a search for a size opens few fonts."""


@dataclass(frozen=True, slots=True)
class FontChain:
    """The faces that are asked for a character, in order."""

    faces: tuple[Face, ...]
    family: int = 0
    """How many of the first are the brand's choice."""

    def for_text(self, text: str) -> FontChain:
        """Return the chain for one text: without the brand's family if it lacks most letters.

        A few figures in a serif between letters of a sans look like a mistake.
        """
        letters = [each for each in text if each.isalpha()]
        missing = sum(
            not any(face.covers(ord(each)) for face in self.faces[: self.family])
            for each in letters
        )
        return FontChain(self.faces[self.family :]) if 2 * missing > len(letters) else self

    def face_for(self, cluster: str, preferred: Face | None = None) -> Face | None:
        """Return the first face that has all of a cluster's characters, or None."""
        needed = [ord(each) for each in cluster if not is_ignorable(each)]
        if preferred is not None and all(map(preferred.covers, needed)):
            return preferred
        for face in self.faces:
            if all(map(face.covers, needed)):
                return face
        return _system_face(tuple(needed))


def font_chain(
    family: FontFamily, *, language: str, sample: str, own: str, folder: Path | None
) -> FontChain:
    """Return the faces that texts are set in.

    Parameters
    ----------
    family
        The brand's choice.
    language
        BCP 47 tag, or empty: which form Chinese characters take.
    sample
        All words of the picture together: where `language` is empty, kana make it Japanese and
        Hangul Korean.
    own
        Name of a font in `folder`, without its ending, that is asked first; empty is none.
    folder
        The operator's own fonts; all of them are asked after those that come along.

    Raises
    ------
    OrderInvalid
        If the chosen family or the brand's own font is not there.
    """
    chosen = _packaged(family)
    if not chosen:
        raise OrderInvalid(
            f"scene.options.font: the {family} family is not installed; run make setup again"
        )
    brand = _of_folder(folder) if folder is not None else ()
    first = tuple(face for face in brand if own and own in (face.path.stem, face.family))
    if own and not first:
        known = ", ".join(sorted({face.path.stem for face in brand})) or "no fonts"
        raise OrderInvalid(
            f"scene.options.own_font: {own!r} is not in the operator's font folder "
            f"(PACKSHOT_FONTS_DIR), which holds {known}"
        )
    faces = (
        *first,
        *chosen,
        *_packaged("sans"),
        *_east_asian(language, sample),
        *_scripts(),
        *brand,
    )
    own_faces = len(first) + (0 if family == "sans" else len(chosen))
    return FontChain(tuple(dict.fromkeys(faces)), family=own_faces)


def open_font(face: Face, size: float, weight: int) -> ImageFont.FreeTypeFont:
    """Return a face at a size and, where it varies, at a weight within its range."""
    return _opened(str(face.path), face.index, round(size * _QUARTER), weight)


@lru_cache(maxsize=_OPEN_FONTS)
def _opened(path: str, index: int, quarters: int, weight: int) -> ImageFont.FreeTypeFont:
    size = max(quarters, 1) / _QUARTER
    font = ImageFont.truetype(path, size, index=index, layout_engine=ImageFont.Layout.RAQM)
    face = next(each for each in _faces(Path(path)) if each.index == index)
    if face.axes:
        wanted = {"wght": float(weight), "opsz": _OPTICAL_SIZE}
        font.set_variation_by_axes(
            [min(max(wanted.get(axis.tag, axis.usual), axis.low), axis.high) for axis in face.axes]
        )
    return font


@lru_cache(maxsize=256)
def _faces(path: Path) -> tuple[Face, ...]:
    return read_faces(path)


@lru_cache(maxsize=8)
def _packaged(family: FontFamily) -> tuple[Face, ...]:
    path = family_file(family)
    return _faces(path) if path is not None else ()


@lru_cache(maxsize=1)
def _scripts() -> tuple[Face, ...]:
    folder = package_folder(_SCRIPTS)
    if folder is None:
        return ()
    paths = sorted(
        (path for path in folder.glob("*.ttf") if "Italic" not in path.name),
        key=lambda path: (path.name.startswith(_LAST_OF_SCRIPTS), path.name),
    )
    return tuple(face for path in paths for face in _faces(path))


def _east_asian(language: str, sample: str) -> tuple[Face, ...]:
    folder = package_folder(_EAST_ASIAN)
    if folder is None:
        return ()
    region = _region(language, sample)
    faces = [face for path in sorted(folder.glob("*.ttc")) for face in _faces(path)]
    return tuple(sorted(faces, key=lambda face: not face.family.endswith(f" {region}")))


def _region(language: str, sample: str) -> str:
    """Return whose forms of Chinese characters to take: JP, KR, SC, TC or HK."""
    tag = language.lower()
    for start, region in (
        ("ja", "JP"),
        ("ko", "KR"),
        ("zh-hant-hk", "HK"),
        ("zh-hk", "HK"),
        ("yue", "HK"),
        ("zh-hant", "TC"),
        ("zh-tw", "TC"),
        ("zh", "SC"),
    ):
        if tag.startswith(start):
            return region
    if any("\u3040" <= each <= "\u30ff" for each in sample):
        return "JP"
    if any("\uac00" <= each <= "\ud7a3" for each in sample):
        return "KR"
    return "SC"


def _of_folder(folder: Path) -> tuple[Face, ...]:
    """Return the readable fonts of a folder, in the order of their names."""
    found: list[Face] = []
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.suffix.lower() in _SUFFIXES and path.is_file():
            try:
                found.extend(_faces(path))
            except FontUnreadable:
                # One broken file must not keep the others from being used.
                continue
    return tuple(found)


@lru_cache(maxsize=1)
def _system() -> tuple[Face, ...]:
    return tuple(face for folder in _SYSTEM for face in _of_folder(folder))


@lru_cache(maxsize=512)
def _system_face(needed: tuple[int, ...]) -> Face | None:
    return next((face for face in _system() if all(map(face.covers, needed))), None)
