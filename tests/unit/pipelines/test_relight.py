"""Relighting as an order: bounded, and told."""

from __future__ import annotations

import pytest

from tests.fakes.garments import tee
from tests.unit.pipelines.kinds import SCENES, make, scene, warnings_of

SHIRT = tee(300, open_neck=False).png()
RELIGHTS = [slug for slug, each in SCENES.items() if each.kind == "relight"]


@pytest.mark.parametrize("slug", RELIGHTS)
def test_the_certificate_shows_the_change_and_keeps_to_the_bound(slug):
    result, _ = make(scene(slug), SHIRT)

    untouched, _ = make(scene(slug, strength=0.0), SHIRT)
    limit = SCENES[slug].options.delta_e
    assert 0.4 < result.fidelity["delta_e_mean"] < limit
    assert result.fidelity["delta_e_p99"] < limit + 0.7
    assert result.files[0].checks["relight_delta_e_p99"] <= limit
    assert "made_share" not in result.fidelity
    assert untouched.fidelity["delta_e_mean"] < 0.4
    assert warnings_of(result) == []


def test_the_left_side_of_a_shirt_gets_the_window():
    _, lit = make(scene("relight-window"), SHIRT)
    _, plain = make(scene("relight-window", strength=0.0), SHIRT)

    change = lit.astype(float).mean(axis=2) - plain.astype(float).mean(axis=2)
    assert change[90:130, 72:80].mean() > change[90:130, 120:128].mean() + 4


def test_a_bound_that_leaves_no_room_is_told():
    result, _ = make(scene("relight-window", delta_e=0.5), SHIRT)

    assert "relight_held_back" in warnings_of(result)
