"""How a workspace's name becomes its address. Pure."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator

_LENGTH = 48
_FALLBACK = "workspace"


def slug_candidates(name: str) -> Iterator[str]:
    """Yield addresses for a name, best first, without end: ``ateliers``, ``ateliers-2``, ….

    Letters lose their accents; whatever is left that is no ASCII letter or digit becomes a hyphen.

    Examples
    --------
    >>> list(itertools.islice(slug_candidates("Ateliers Märtin & Co."), 2))
    ['ateliers-martin-co', 'ateliers-martin-co-2']
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    stem = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:_LENGTH].strip("-") or _FALLBACK
    yield stem
    for number in itertools.count(2):
        yield f"{stem}-{number}"
