"""A catalog of garments shown alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_workers.imaging.garment_pose import find_pose
from tests.fakes.garments import tee
from tests.unit.pipelines.kinds import make, png, scene, warnings_of

SIZE = (240, 260)


def shoulders(picture: np.ndarray) -> tuple[float, float, float]:
    """Axis, shoulder row and torso width of a dark garment on white, in pixels."""
    pose = find_pose(np.clip((245 - picture.min(axis=2).astype(np.float32)) / 40, 0, 1))
    assert pose is not None
    return pose.axis, pose.shoulder_row, pose.torso_width


@given(
    half_torso=st.floats(0.12, 0.2),
    axis=st.floats(0.42, 0.58),
    top=st.floats(0.08, 0.2),
    tilt=st.floats(-8, 8),
    side=st.integers(300, 500),
)
@settings(max_examples=12, deadline=None)
def test_shoulders_of_any_photo_come_to_the_same_place(half_torso, axis, top, tilt, side):
    shirt = tee(
        side,
        half_torso=half_torso,
        axis=axis,
        top=top,
        tilt_deg=tilt,
        color=(90, 96, 120),
        open_neck=False,
    )

    result, picture = make(scene("display-white"), shirt.png(), size=SIZE)

    column, row, torso = shoulders(picture)
    assert column == pytest.approx(SIZE[0] / 2, abs=0.01 * SIZE[0])
    assert row == pytest.approx(0.27 * SIZE[1], abs=0.015 * SIZE[1])
    assert torso == pytest.approx(0.37 * SIZE[0], abs=0.012 * SIZE[0])
    assert result.files[0].checks["torso_width"] == pytest.approx(0.37, abs=0.01)
    assert result.files[0].checks["shoulder_line"] == pytest.approx(0.27, abs=0.01)
    assert set(warnings_of(result)) <= {"enlarged", "touches_frame"}


def test_the_garment_is_certified_even_when_it_was_turned():
    shirt = tee(400, half_torso=0.18, tilt_deg=7, open_neck=False).png()

    result, _ = make(scene("display-studio", even_light_delta_e=0.0), shirt, size=SIZE)

    assert result.files[0].checks["straightened_deg"] == pytest.approx(7, abs=1)
    assert result.fidelity["delta_e_mean"] < 0.5
    assert result.fidelity["silhouette_iou"] > 0.98


def test_an_open_neck_is_filled_unless_the_template_leaves_it():
    shirt = tee(400, half_torso=0.18).png()

    filled, _ = make(scene("display-white"), shirt, size=SIZE)
    left, _ = make(scene("display-white", ghost=False), shirt, size=SIZE)

    assert filled.files[0].checks["neck"] == "built"
    assert filled.fidelity["made_share"] > 0.01
    assert "made_share" not in left.fidelity


def test_light_is_evened_within_its_bound():
    shirt = tee(400, half_torso=0.18, open_neck=False).png()

    result, _ = make(scene("display-studio", even_light_delta_e=2.0), shirt, size=SIZE)

    assert 0.3 < result.fidelity["delta_e_mean"] < 2
    assert result.files[0].checks["relight_delta_e_p99"] <= 2


def test_a_coat_among_shirts_is_made_smaller_and_that_is_told():
    coat = tee(400, half_torso=0.16, top=0.02, open_neck=False).pixels.copy()
    torso = coat[160:165, :, :]
    coat[165:398] = np.repeat(torso, 47, axis=0)[:233]

    result, picture = make(scene("display-white"), png(coat), size=SIZE)

    assert "display_reduced" in warnings_of(result)
    assert (picture[-3:] == 255).all()
    assert result.files[0].checks["torso_width"] < 0.36


def test_a_product_without_shoulders_is_shown_plainly_and_that_is_told():
    pixels = np.zeros((200, 200, 4), np.uint8)
    pixels[95:105, 40:160] = (120, 60, 40, 255)

    result, _ = make(scene("display-white"), png(pixels), size=SIZE)

    assert "garment_not_found" in warnings_of(result)


def test_white_is_exact():
    shirt = tee(400, half_torso=0.18, open_neck=False).png()

    result, _ = make(scene("display-white"), shirt, size=SIZE)

    assert result.files[0].checks["white_share"] == 1
