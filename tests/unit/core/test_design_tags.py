from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.templatetags.design import TONES, icon, plan_segments, sentence

counts = st.fixed_dictionaries({tone: st.integers(0, 500) for tone in TONES})


@given(counts)
def test_parts_follow_one_another_and_never_overflow(given_counts: dict[str, int]) -> None:
    total = sum(given_counts.values())

    parts = plan_segments(total, given_counts)

    assert len(parts) == sum(1 for count in given_counts.values() if count)
    for before, after in itertools.pairwise(parts):
        assert after.start == pytest.approx(before.start + before.width, abs=0.002)
    assert sum(part.width for part in parts) == pytest.approx(100 if total else 0, abs=0.01)


def test_nothing_of_nothing_is_empty() -> None:
    assert plan_segments(0, {"success": 0}) == []


def test_an_unknown_tone_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown tones"):
        plan_segments(1, {"pink": 1})


def test_icons_are_hidden_from_screen_readers() -> None:
    assert 'aria-hidden="true"' in icon("package")


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("\n  Make Primary\n", "Make primary"),
        ("Two-Factor Authentication", "Two-factor authentication"),
        ("", ""),
    ],
)
def test_a_title_begins_with_the_only_capital(theirs: str, ours: str) -> None:
    assert sentence(theirs) == ours
