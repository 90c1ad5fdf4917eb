"""The written form of an API key. Pure.

``ps_live_`` + 30 random characters + 6 characters of CRC-32, so that a typing error or a
look-alike is refused without a look into the database, and secret scanners can tell a real key.
"""

from __future__ import annotations

import hashlib
import secrets
import zlib
from typing import Final

PREFIX: Final = "ps_live_"
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_LENGTH: Final = 30
_CHECK_LENGTH: Final = 6


def new_secret() -> str:
    """Return a new key with about 178 bits of randomness."""
    body = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    return f"{PREFIX}{body}{_check(body)}"


def is_well_formed(secret: str) -> bool:
    """Return whether the text is a key of ours: prefix, alphabet and checksum are right.

    Examples
    --------
    >>> is_well_formed(new_secret()), is_well_formed("ps_live_nonsense")
    (True, False)
    """
    body = secret.removeprefix(PREFIX)
    if len(body) != _RANDOM_LENGTH + _CHECK_LENGTH or not secret.startswith(PREFIX):
        return False
    return _check(body[:_RANDOM_LENGTH]) == body[_RANDOM_LENGTH:]


def digest(secret: str) -> str:
    """Return what is stored: SHA-256, enough for a secret that nobody can guess."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _check(body: str) -> str:
    number, text = zlib.crc32(body.encode()), ""
    for _ in range(_CHECK_LENGTH):
        number, rest = divmod(number, len(_ALPHABET))
        text += _ALPHABET[rest]
    return text
