"""Capital letters as each language writes them.

Source: Unicode 16, SpecialCasing.txt, for Turkish, Azeri and Lithuanian; capitals in Greek carry no
accents but the diaeresis.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_TURKIC: Final = ("tr", "az")
_TONOS: Final = "\u0301"


def upper(text: str, language: str) -> str:
    """Return a text in capitals.

    Examples
    --------
    >>> upper("indirim", "tr")
    'İNDİRİM'
    >>> upper("Εκπτώσεις", "")
    'ΕΚΠΤΩΣΕΙΣ'
    """
    if language.lower().split("-")[0] in _TURKIC:
        text = text.replace("i", "İ").replace("ı", "I")
    raised = text.upper()
    return "".join(map(_without_tonos, raised))


def _without_tonos(letter: str) -> str:
    if not "\u0370" <= letter <= "\u03ff":
        return letter
    parts = unicodedata.normalize("NFD", letter)
    return unicodedata.normalize("NFC", parts.replace(_TONOS, ""))
