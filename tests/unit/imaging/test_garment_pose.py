"""The anatomy of garments, and the hooks above them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_workers.imaging.garment_pose import find_pose
from gpu_workers.imaging.hanger import without_hook
from tests.fakes.garments import tee


def matte_of(pixels: np.ndarray) -> np.ndarray:
    return pixels[..., 3].astype(np.float32) / np.float32(255)


@given(
    half_torso=st.floats(0.1, 0.24),
    axis=st.floats(0.4, 0.6),
    top=st.floats(0.05, 0.2),
    open_neck=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_torso_axis_and_hem_are_found_wherever_it_lies(half_torso, axis, top, open_neck):
    shirt = tee(400, half_torso=half_torso, axis=axis, top=top, open_neck=open_neck)

    pose = find_pose(matte_of(shirt.pixels))

    assert pose is not None
    assert pose.is_sure
    assert pose.torso_width == pytest.approx(2 * shirt.half_torso, rel=0.03)
    assert pose.axis == pytest.approx(shirt.axis, abs=2)
    assert pose.hem_row == pytest.approx(shirt.hem_row, abs=3)
    assert shirt.collar_row < pose.shoulder_row < shirt.neck_row + 0.1 * shirt.half_torso
    assert abs(pose.tilt_deg) < 1.0


@given(st.floats(-9, 9))
@settings(max_examples=15, deadline=None)
def test_the_tilt_is_told(tilt):
    pose = find_pose(matte_of(tee(500, half_torso=0.18, tilt_deg=tilt).pixels))

    assert pose is not None
    assert pose.is_sure
    assert pose.tilt_deg == pytest.approx(tilt, abs=1.0)


def test_what_hangs_by_a_thread_has_no_say():
    matte = matte_of(tee(400, half_torso=0.2).pixels)
    with_thread = matte.copy()
    with_thread[5:120, 199:202] = 1

    plain, threaded = find_pose(matte), find_pose(with_thread)

    assert plain is not None
    assert threaded is not None
    assert threaded.shoulder_row == pytest.approx(plain.shoulder_row, abs=3)


@given(st.floats(0.13, 0.17), st.floats(0.45, 0.55))
@settings(max_examples=12, deadline=None)
def test_sleeves_that_hide_the_torso_leave_the_shoulders_to_tell_its_width(half_torso, axis):
    shirt = tee(400, half_torso=half_torso, axis=axis, top=0.1, open_neck=False)
    matte = matte_of(shirt.pixels)
    unit, top = shirt.half_torso, shirt.collar_row
    for way in (-1, 1):
        sleeve = np.array([[0.95, 0.3], [1.1, 0.34], [1.8, 2.7], [0.9, 2.7]]) * (way, 1) * unit
        corners = np.round(sleeve + np.array([shirt.axis, top])).astype(np.int32)
        cv2.fillPoly(matte, [corners], 1.0)

    pose = find_pose(matte)

    assert pose is not None
    assert not pose.is_sure
    assert pose.torso_width == pytest.approx(2 * unit, rel=0.18)
    assert pose.axis == pytest.approx(shirt.axis, abs=0.08 * unit)
    assert pose.tilt_deg == 0


@pytest.mark.parametrize(
    "matte",
    [
        np.zeros((100, 100), np.float32),
        np.pad(np.ones((4, 60), np.float32), 20),
    ],
)
def test_what_is_no_garment_has_no_pose(matte):
    assert find_pose(matte) is None


def hooked() -> tuple[np.ndarray, np.ndarray]:
    """A shirt on a hanger, and the shirt alone."""
    shirt = matte_of(tee(400, half_torso=0.2, top=0.25, open_neck=False).pixels)
    hanging = shirt.copy()
    cv2.ellipse(hanging, (206, 62), (14, 14), 0, 120, 400, 1.0, 4)
    cv2.line(hanging, (200, 76), (200, 104), 1.0, 4)
    return hanging, shirt


def test_the_hook_goes_and_the_shirt_stays():
    hanging, shirt = hooked()

    freed = without_hook(hanging)

    assert freed is not None
    assert freed[:88].max() == 0
    assert np.abs(freed - shirt).sum() < 60
    assert (freed[100:] == hanging[100:]).mean() > 0.999


def test_a_shirt_without_a_hook_and_one_with_straps_are_left_alone():
    shirt = hooked()[1]
    straps = shirt.copy()
    straps[60:115, 155:161] = 1
    straps[60:115, 239:245] = 1

    assert without_hook(shirt) is None
    assert without_hook(straps) is None
    assert without_hook(np.zeros((50, 50), np.float32)) is None
