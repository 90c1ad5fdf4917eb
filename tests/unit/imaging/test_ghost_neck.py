"""The inside of a garment behind its open neck."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_workers.imaging.arrays import Cutout, to_linear
from gpu_workers.imaging.color import delta_e_2000, luminance, to_lab
from gpu_workers.imaging.garment_pose import GarmentPose, find_pose
from gpu_workers.imaging.ghost_neck import (
    Layer,
    arc_of,
    behind,
    built_neck,
    photographed_neck,
    rows_above,
)
from gpu_workers.imaging.neckline import Neckline, find_neckline
from tests.fakes.garments import Tee, tee


def cutout_of(shirt: Tee) -> Cutout:
    return Cutout(
        color=to_linear(shirt.pixels[..., :3]),
        matte=shirt.pixels[..., 3].astype(np.float32) / np.float32(255),
        confidence=1.0,
    )


def neck_of(shirt: Tee) -> tuple[GarmentPose, Neckline]:
    matte = cutout_of(shirt).matte
    pose = find_pose(matte)
    assert pose is not None
    neck = find_neckline(matte, pose)
    assert neck is not None
    return pose, neck


@given(
    half_torso=st.floats(0.12, 0.24),
    axis=st.floats(0.4, 0.6),
    top=st.floats(0.08, 0.2),
)
@settings(max_examples=20, deadline=None)
def test_an_open_neck_is_found_where_it_is(half_torso, axis, top):
    shirt = tee(400, half_torso=half_torso, axis=axis, top=top)

    _, neck = neck_of(shirt)

    # The collar is as wide as its band: its ends lie on the band's upper edge.
    assert shirt.neck_half - 3 <= shirt.axis - neck.left[0] <= 0.5 * shirt.half_torso
    assert shirt.neck_half - 3 <= neck.right[0] - shirt.axis <= 0.5 * shirt.half_torso
    assert neck.edge[:, 1].max() == pytest.approx(shirt.neck_row, abs=2.5)
    assert neck.left[1] == pytest.approx(shirt.collar_row, abs=0.06 * shirt.half_torso + 2)


@pytest.mark.parametrize("closed", ["flat", "box", "plain"])
def test_where_nothing_is_missing_no_neck_is_open(closed):
    if closed == "flat":
        matte = cutout_of(tee(300, open_neck=False)).matte
    else:
        matte = np.zeros((200, 200), np.float32)
        matte[40:180, 60:140] = 1
        if closed == "box":
            matte[36:40, 95:105] = 1
    pose = find_pose(matte)

    assert pose is not None
    assert find_neckline(matte, pose) is None


@given(st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_a_layer_behind_never_changes_the_front(seed):
    generator = np.random.default_rng(seed)
    matte = np.clip(generator.normal(0.5, 0.6, (24, 30)), 0, 1).astype(np.float32)
    color = generator.random((24, 30, 3), dtype=np.float32)
    layer = Layer(
        generator.random((24, 30, 3), dtype=np.float32),
        np.clip(generator.normal(0.2, 0.6, (24, 30)), 0, 1).astype(np.float32),
    )

    whole, made = behind(Cutout(color, matte, 1.0), layer)

    opaque = matte == 1
    assert np.array_equal(whole.color[opaque], color[opaque])
    assert (made[opaque] == 0).all()
    # Made is exactly what is seen of the layer.
    assert np.array_equal(made > 0, (matte < 1) & (layer.matte > 0))
    assert (whole.matte >= matte - 1e-6).all()
    # Premultiplied, the front's share is all there.
    front = color * matte[..., None]
    rest = layer.color * ((1 - matte) * layer.matte)[..., None]
    assert whole.color * whole.matte[..., None] == pytest.approx(front + rest, abs=1e-4)


def test_the_built_neck_leaves_no_gap_and_stays_between_the_collars_ends():
    shirt = tee(500, half_torso=0.2, top=0.2)
    front = cutout_of(shirt)
    _, neck = neck_of(shirt)

    whole, made = behind(front, built_neck(front, neck, to_linear(np.uint8([[[190] * 3]]))[0, 0]))

    arc = arc_of(neck)
    column = round(shirt.axis)
    top = float(np.interp(column, arc[:, 0], arc[:, 1]))
    assert top == pytest.approx(neck.left[1] - 0.17 * neck.width / 2, abs=2)
    assert whole.matte[round(top) + 3 : round(shirt.neck_row) + 3, column].min() > 0.98
    # Tucked behind the ends of the collar, where a slit would show first.
    assert arc[0, 0] < neck.left[0] - 1
    assert arc[-1, 0] > neck.right[0] + 1
    rows, columns = np.nonzero(made > 0.02)
    slack = 0.08 * neck.width / 2 + 4
    assert columns.min() >= neck.left[0] - slack
    assert columns.max() <= neck.right[0] + slack
    assert rows.max() <= shirt.neck_row + 3
    # Between collar and arc there is nothing to see through anywhere.
    for part in np.linspace(0.02, 0.98, 25):
        x = round(neck.left[0] + part * neck.width)
        y = np.interp(x, arc[:, 0], arc[:, 1])
        assert whole.matte[round(float(y)) + 3 : round(shirt.neck_row), x].min() > 0.95


def test_the_inside_is_darker_than_the_cloth_and_darkest_deep_down():
    shirt = tee(500, half_torso=0.2, top=0.2)
    front = cutout_of(shirt)
    _, neck = neck_of(shirt)
    cloth = np.array([0.5, 0.5, 0.5], np.float32)

    light = luminance(built_neck(front, neck, cloth).color)

    column, top, low = round(shirt.axis), round(neck.left[1]), round(shirt.neck_row)
    upper = light[top + 6 : top + 12, column - 10 : column + 10].mean()
    deep = light[low - 8 : low - 2, column - 10 : column + 10].mean()
    assert 0.25 * 0.5 < deep < upper < 0.5


def test_a_photo_of_the_inside_brings_its_label_and_meets_the_collar():
    shirt = tee(500, half_torso=0.2, top=0.2, color=(180, 182, 190))
    other = tee(420, half_torso=0.16, axis=0.44, top=0.22, color=(150, 152, 162), open_neck=False)
    pixels = other.pixels.copy()
    row, column = round(other.collar_row), round(other.axis)
    pixels[row + 3 : row + 12, column - 9 : column + 9, :3] = (200, 30, 30)
    inside = Cutout(to_linear(pixels[..., :3]), pixels[..., 3].astype(np.float32) / 255, 1.0)
    front = cutout_of(shirt)
    pose, neck = neck_of(shirt)
    inside_pose = find_pose(inside.matte)
    assert inside_pose is not None

    layer = photographed_neck(front, neck, pose, inside, inside_pose)

    whole, made = behind(front, layer)
    arc = arc_of(neck)
    middle = round(shirt.axis)
    top = float(np.interp(middle, arc[:, 0], arc[:, 1]))
    first = int(np.argmax(whole.matte[:, middle] > 0.5))
    assert first == pytest.approx(top, abs=2)
    red = (layer.color[..., 0] > 2.5 * layer.color[..., 1]) & (made > 0.9)
    assert red.sum() > 60
    assert abs(np.nonzero(red)[1].mean() - shirt.axis) < 4
    assert whole.matte[round(top) + 3 : round(shirt.neck_row), middle].min() > 0.95


def test_the_same_cloth_takes_the_fronts_color_and_a_lining_keeps_its_own():
    shirt = tee(400, half_torso=0.2, top=0.2, color=(180, 182, 190))
    front = cutout_of(shirt)
    pose, neck = neck_of(shirt)

    def seen(color: tuple[int, int, int]) -> np.ndarray:
        inside = cutout_of(tee(400, half_torso=0.2, top=0.2, color=color, open_neck=False))
        inside_pose = find_pose(inside.matte)
        assert inside_pose is not None
        layer = photographed_neck(front, neck, pose, inside, inside_pose)
        tone = layer.color[layer.matte > 0.9].mean(axis=0)
        return tone / tone.sum()

    front_tone = front.color[front.matte > 0.99].mean(axis=0)
    assert seen((190, 180, 175)) == pytest.approx(front_tone / front_tone.sum(), abs=0.02)
    red = to_linear(np.uint8([[[170, 30, 40]]]))[0, 0]
    assert seen((170, 30, 40)) == pytest.approx(red / red.sum(), abs=0.03)
    assert delta_e_2000(to_lab(front_tone), to_lab(red)) > 16


def test_room_is_asked_for_where_the_collar_reaches_out_of_the_frame():
    shirt = tee(400, half_torso=0.2, top=0.2)
    _, neck = neck_of(shirt)

    low = Neckline(neck.edge - np.array([0, neck.left[1]]))
    assert rows_above(neck) == 0
    assert rows_above(low) > 0.17 * neck.width / 2
