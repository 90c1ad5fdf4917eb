"""Public identifiers: a prefix that says what a thing is, and 128 random bits.

Random and not sortable on purpose: an id that tells its time of birth can be guessed.
"""

from __future__ import annotations

import secrets

_ALPHABET = "0123456789abcdefghijkmnpqrstuvwxyz"
"""34 characters: lower case without l and o, which people misread."""
_LENGTH = 26


_VALUES = len(_ALPHABET) ** _LENGTH


def new_id(prefix: str) -> str:
    """Return a new identifier such as ``prd_7k2…``: prefix, underscore, 26 characters."""
    # One draw for all characters: a draw for each made ids a sixth of an order of 1,000 renders.
    rest = secrets.randbelow(_VALUES)
    characters = []
    for _ in range(_LENGTH):
        rest, place = divmod(rest, len(_ALPHABET))
        characters.append(_ALPHABET[place])
    return f"{prefix}_{''.join(characters)}"
