"""Contrast of a brand's colors, and what is chosen where one cannot be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.studio.brand_look import READABLE, clean_color, contrast, look_of
from gpu_workers.imaging.layout.ink import contrast_of

colors = st.from_regex(r"#[0-9a-f]{6}", fullmatch=True)


@given(colors, colors)
def test_contrast_is_what_the_engine_measures(first: str, second: str) -> None:
    assert contrast(first, second) == pytest.approx(contrast_of(first, second), rel=1e-4)


@given(colors, colors, colors)
def test_every_word_of_the_sample_can_be_read(primary: str, secondary: str, text: str) -> None:
    look = look_of(primary=primary, secondary=secondary, text=text)

    for words, ground in (
        (look.text, "#ffffff"),
        (look.price, "#ffffff"),
        (look.button_text, look.button),
        (look.badge_text, look.badge),
    ):
        assert contrast(words, ground) >= READABLE
    assert [note.is_enough for note in look.notes] == [not note.consequence for note in look.notes]


@given(colors)
def test_a_color_is_read_as_people_write_it(color: str) -> None:
    for written in (color, color.upper(), f" {color[1:]} "):
        assert clean_color(written) == color
