from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.tenants.slugs import slug_candidates


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Ateliers Märtin & Co.", "ateliers-martin-co"),
        ("  ", "workspace"),
        ("株式会社", "workspace"),
        ("---Shop---", "shop"),
    ],
)
def test_a_name_becomes_a_readable_address(name: str, slug: str) -> None:
    assert next(slug_candidates(name)) == slug


@given(st.text(max_size=300))
def test_every_name_gives_different_valid_addresses(name: str) -> None:
    slugs = list(itertools.islice(slug_candidates(name), 4))

    assert len(set(slugs)) == 4
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug) for slug in slugs)
    assert all(len(slug) <= 60 for slug in slugs)
