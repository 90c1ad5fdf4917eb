"""What a backdrop generator is told."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_workers.engines import prompts
from gpu_workers.engines.prompts import build_prompt
from gpu_workers.kind_options.lifestyle import LifestyleOptions, Prop
from gpu_workers.scene_spec import CameraPitch, Light

HINTS = get_type_hints(LifestyleOptions)
CHOICES = {
    name: st.sampled_from(get_args(HINTS[name]))
    for name in ("setting", "surface", "season", "mood", "palette")
}
OPTIONS = st.builds(
    LifestyleOptions,
    subject=st.sampled_from(["", "mug", "pair of running shoes"]),
    props=st.lists(st.sampled_from(get_args(Prop)), max_size=2, unique=True).map(tuple),
    **CHOICES,
)
LIGHTS = st.builds(
    Light,
    azimuth_deg=st.floats(-180, 180),
    elevation_deg=st.floats(5, 90),
    softness=st.floats(0, 1),
    pattern=st.sampled_from(["softbox", "window"]),
)


@given(OPTIONS, LIGHTS, st.sampled_from(get_args(CameraPitch)))
def test_every_choice_gives_a_prompt_that_a_small_text_encoder_reads_whole(options, light, pitch):
    prompt = build_prompt(options, light, pitch)

    assert len(prompt.positive.split()) <= 58
    assert len(prompt.negative.split()) <= 40
    assert ", ," not in prompt.positive
    assert "  " not in prompt.positive


@pytest.mark.parametrize("name", CHOICES)
def test_another_choice_is_another_prompt(name):
    made = {
        build_prompt(LifestyleOptions(**{name: value}), Light(), "front").positive
        for value in get_args(HINTS[name])
    }

    assert len(made) == len(get_args(HINTS[name]))


def test_the_light_comes_from_where_the_scene_says():
    left = build_prompt(LifestyleOptions(), Light(azimuth_deg=-50), "front").positive
    right = build_prompt(LifestyleOptions(), Light(azimuth_deg=50), "front").positive

    assert "from the left" in left
    assert "from the right" in right
    assert "from above" in build_prompt(LifestyleOptions(), Light(elevation_deg=80), "top").positive


def test_own_words_are_added_to_both_sides():
    options = LifestyleOptions(prompt_extra="morning mist", negative_extra="cars")

    prompt = build_prompt(options, Light(), "front")

    assert "morning mist" in prompt.positive
    assert "cars" in prompt.negative


def test_every_choice_has_its_words():
    tables = {
        "setting": prompts._SETTINGS,
        "surface": prompts._SURFACES,
        "season": prompts._SEASONS,
        "mood": prompts._MOODS,
        "palette": prompts._PALETTES,
    }

    for name, table in tables.items():
        assert set(table) == set(get_args(HINTS[name])), name
    assert set(prompts._PROPS) == set(get_args(Prop))
    assert {f.name for f in fields(LifestyleOptions)} >= set(tables)
