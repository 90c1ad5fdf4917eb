"""Skin cut away from a worn garment, and what shows in the sleeves then."""

from __future__ import annotations

import numpy as np
import pytest

from gpu_workers.imaging.arrays import Cutout, to_linear
from gpu_workers.imaging.body_parts import without_body
from gpu_workers.imaging.cuffs import cuff_layer, find_mouths
from gpu_workers.imaging.garment_pose import find_pose
from gpu_workers.imaging.ghost_neck import behind
from tests.fakes.garments import Tee, tee, worn

PALE, TAN, DARK = (224, 186, 164), (141, 96, 72), (84, 56, 44)


def shirt_of(color: tuple[int, int, int] = (196, 198, 205)) -> Tee:
    return tee(420, half_torso=0.19, top=0.1, color=color)


def alpha(shirt: Tee) -> np.ndarray:
    return shirt.pixels[..., 3].astype(np.float32) / np.float32(255)


@pytest.mark.parametrize("skin", [PALE, TAN, DARK])
@pytest.mark.parametrize("color", [(235, 236, 238), (40, 60, 120), (30, 90, 70)])
def test_arms_go_and_the_shirt_stays(skin, color):
    shirt = shirt_of(color)
    photo, matte = worn(shirt, skin=skin)

    found = without_body(photo, matte)

    assert found is not None
    assert found.is_sure
    kept, truth = found.matte > 0.5, alpha(shirt) > 0.5
    assert (kept & truth).sum() / (kept | truth).sum() > 0.97
    assert ((found.body > 0.5) & truth).sum() < 0.01 * truth.sum()
    assert (found.matte <= matte + 1e-6).all()


def test_a_shirt_without_a_wearer_is_left_alone():
    shirt = shirt_of()

    assert without_body(shirt.pixels[..., :3].copy(), alpha(shirt)) is None


def test_a_brown_print_is_no_skin():
    shirt = shirt_of()
    pixels = shirt.pixels.copy()
    pixels[205:235, 142:168, :3] = TAN

    assert without_body(pixels[..., :3].copy(), alpha(shirt)) is None


def test_a_garment_in_the_colors_of_skin_is_not_cut_and_that_is_said():
    photo, matte = worn(shirt_of((196, 150, 120)), skin=TAN)

    found = without_body(photo, matte)

    assert found is not None
    assert not found.is_sure
    assert np.array_equal(found.matte, matte)
    assert found.body.max() == 0


def test_nothing_has_no_body():
    assert without_body(np.zeros((60, 60, 3), np.uint8), np.zeros((60, 60), np.float32)) is None


def test_sleeves_show_their_inside_where_arms_were():
    shirt = shirt_of()
    photo, matte = worn(shirt)
    found = without_body(photo, matte)
    pose = find_pose(alpha(shirt))
    assert found is not None
    assert pose is not None
    front = Cutout(to_linear(photo), found.matte, 1.0)
    cloth = np.array([0.5, 0.5, 0.55], np.float32)

    mouths = find_mouths(front.matte, found.body, pose)
    layer = cuff_layer(front, found.body, cloth, pose)

    assert len(mouths) == 2
    assert mouths[0][:, 0].max() < shirt.axis < mouths[1][:, 0].min()
    assert layer is not None
    whole, made = behind(front, layer)
    assert 0 < made.sum() < 0.03 * matte.sum()
    rows, columns = np.nonzero(made > 0.3)
    # Below the sleeves, and nowhere on the torso.
    assert rows.min() > shirt.collar_row + 0.9 * shirt.half_torso
    assert np.abs(columns - shirt.axis).min() > 1.0 * shirt.half_torso
    assert whole.color[made > 0.95].mean() < 0.6 * cloth.mean()


def test_without_an_arm_no_sleeve_is_filled():
    shirt = shirt_of()
    pose = find_pose(alpha(shirt))
    assert pose is not None
    front = Cutout(to_linear(shirt.pixels[..., :3]), alpha(shirt), 1.0)

    assert cuff_layer(front, np.zeros_like(front.matte), np.ones(3, np.float32), pose) is None
