"""Public identifiers: a prefix that says what a thing is, and 128 random bits.

Random and not sortable on purpose: an id that tells its time of birth can be guessed.
"""

from __future__ import annotations

import secrets

_ALPHABET = "0123456789abcdefghijkmnpqrstuvwxyz"
"""34 characters: lower case without l and o, which people misread."""
_LENGTH = 26


def new_id(prefix: str) -> str:
    """Return a new identifier such as ``prd_7k2…``: prefix, underscore, 26 characters."""
    return f"{prefix}_" + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
