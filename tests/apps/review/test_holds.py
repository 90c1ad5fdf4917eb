"""Shoots that wait for a verdict keep their workers warm: the review app tells which."""

from __future__ import annotations

import pytest

from apps.compute import holds
from apps.review.services import decide
from tests.apps.review.conftest import make_render, make_shoot
from tests.cast import workspace

pytestmark = pytest.mark.usefixtures("in_ateliers", "redis_server")


def test_a_shoot_waits_for_its_verdict_until_every_render_has_one(rita, finished):
    render = finished()
    foreign = make_shoot(workspace("elsewhere", "Elsewhere"), number=7)
    make_render(foreign)
    asked = [render.shoot_id, foreign.pk, "sht_unknown"]
    assert holds.open_reviews(asked) == {render.shoot_id, foreign.pk}

    decide(actor=rita.actor, render_id=render.pk, verdict="approve")

    assert holds.open_reviews(asked) == {foreign.pk}
