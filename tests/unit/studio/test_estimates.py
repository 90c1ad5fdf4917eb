"""What an order amounts to."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import InvalidError
from apps.studio.estimates import checked_fill, estimate, seed_of, urgency_of


def test_every_take_of_every_photo_is_a_render_and_costs_a_credit():
    size = estimate(photos=12, takes=3, megapixels=[4.0, 2.25])

    assert (size.renders, size.credits) == (36, 36)
    assert size.cost_units_each == 6.25
    assert size.cost_units == 225.0


@given(photos=st.integers(1, 600), takes=st.integers(1, 8))
def test_renders_are_the_product_of_photos_and_takes(photos, takes):
    size = estimate(photos=photos, takes=takes, megapixels=[1.0])

    assert size.renders == photos * takes == size.credits


def test_a_shoot_without_photos_is_refused():
    with pytest.raises(InvalidError) as refusal:
        estimate(photos=0, takes=1, megapixels=[4.0])

    assert refusal.value.code == "studio.photos_missing"


@pytest.mark.parametrize("takes", [0, -1, 9])
def test_takes_out_of_range_are_refused(takes):
    with pytest.raises(InvalidError) as refusal:
        estimate(photos=1, takes=takes, megapixels=[4.0])

    assert refusal.value.code == "studio.takes_out_of_range"


def test_more_renders_than_one_shoot_takes_are_refused_with_the_limit():
    with pytest.raises(InvalidError) as refusal:
        estimate(photos=2501, takes=2, megapixels=[4.0])

    assert refusal.value.code == "studio.too_many_renders"
    assert "5,000" in refusal.value.message


@pytest.mark.parametrize("fill", [0.19, 0.99, -1.0, math.nan, math.inf])
def test_a_fill_out_of_range_is_refused(fill):
    with pytest.raises(InvalidError) as refusal:
        checked_fill(fill)

    assert refusal.value.code == "studio.fill_out_of_range"


@pytest.mark.parametrize("fill", [0.2, 0.85, 0.98])
def test_a_fill_within_the_workers_range_passes(fill):
    assert checked_fill(fill) == fill


def test_up_to_forty_renders_somebody_waits_before_the_screen():
    assert urgency_of(40) == "interactive"
    assert urgency_of(41) == "bulk"


@given(shoot=st.text(max_size=30), photo=st.text(max_size=30), take=st.integers(1, 8))
def test_a_seed_is_repeatable_and_fits_in_32_bits(shoot, photo, take):
    seed = seed_of(shoot=shoot, photo=photo, take=take)

    assert seed == seed_of(shoot=shoot, photo=photo, take=take)
    assert 0 <= seed < 2**32


def test_the_seed_of_a_known_render_never_changes():
    """The number is what makes an old picture again: it is part of the contract."""
    assert seed_of(shoot="sho_a", photo="pho_b", take=1) == 3480609090


def test_takes_and_photos_have_seeds_of_their_own():
    seeds = {
        seed_of(shoot="sho_a", photo=photo, take=take)
        for photo in ("pho_a", "pho_b", "pho_c")
        for take in range(1, 9)
    }

    assert len(seeds) == 24
