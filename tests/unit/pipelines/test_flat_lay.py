"""Flat lays: square on the surface, the product as it was."""

from __future__ import annotations

import pytest

from tests.fakes.garments import tee
from tests.unit.pipelines.kinds import SCENES, make, scene, warnings_of

FLAT_LAYS = [slug for slug, each in SCENES.items() if each.kind == "flat_lay"]
SHIRT = tee(300, open_neck=False).png()


@pytest.mark.parametrize("slug", FLAT_LAYS)
def test_the_product_lies_unaltered_in_the_middle_with_a_shadow(slug):
    result, picture = make(scene(slug), SHIRT)

    lifted = make(scene(slug, lift=0.15), SHIRT)[1]
    assert result.fidelity["delta_e_mean"] < 0.4
    assert result.fidelity["silhouette_iou"] > 0.98
    assert "made_share" not in result.fidelity
    assert result.files[0].checks["fill"] == pytest.approx(0.76, abs=0.02)
    assert warnings_of(result) == []
    # The corner is lit, the ground beside the hem is shaded, more so under a thick product.
    ground = picture.mean(axis=2)
    assert ground[172:178, 70:130].mean() < ground[4:24, 4:24].mean()
    assert lifted.mean() < picture.mean()


def test_there_are_several_materials_to_lie_on():
    assert len({(SCENES[slug].mode, SCENES[slug].material) for slug in FLAT_LAYS}) >= 5
