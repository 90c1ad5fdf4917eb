"""A garment taken off its hanger and turned upright."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from gpu_workers.imaging.arrays import to_photo
from gpu_workers.imaging.garment_pose import find_pose
from gpu_workers.pipelines.cutout import Subject, free_product, subject_of
from gpu_workers.pipelines.garment_handling import turned, unhooked, upright
from tests.fakes.garments import tee
from tests.unit.pipelines.kinds import png


def subject_from(pixels: np.ndarray) -> Subject:
    return subject_of(free_product(png(pixels), lambda _step, _share: None))


def test_a_turn_and_its_reverse_give_the_same_picture():
    before = subject_from(tee(300, half_torso=0.2, open_neck=False).pixels)

    after = turned(turned(before, 9), -9)

    top = (after.frame[1] - before.frame[1]) // 2
    left = (after.frame[0] - before.frame[0]) // 2
    rows, columns = slice(top, top + before.frame[1]), slice(left, left + before.frame[0])
    inside = before.cutout.matte > 0.99
    assert after.cutout.matte[rows, columns][inside].mean() > 0.99
    difference = np.abs(after.photo[rows, columns].astype(int) - before.photo)[inside]
    assert difference.mean() < 4
    assert before.product.height < turned(before, 9).product.height


def test_cutout_photo_and_what_was_made_turn_together():
    pixels = tee(300, half_torso=0.2, open_neck=False).pixels.copy()
    pixels[140:160, 140:160, :3] = (250, 20, 20)
    subject = subject_from(pixels)
    made = np.zeros_like(subject.cutout.matte)
    left, top = subject.corner
    made[140 - top : 160 - top, 140 - left : 160 - left] = 1
    marked = Subject(subject.cutout, subject.photo, subject.product, subject.cut_sides, made=made)

    after = turned(marked, 30)

    assert after.made is not None
    there = after.made > 0.99
    assert there.sum() == pytest.approx(400, rel=0.15)
    for color in (after.cutout.color[there] * 255, after.photo[there]):
        assert color[:, 0].mean() > 5 * color[:, 1].mean()
    inside = after.cutout.matte > 0.999
    apart = np.abs(to_photo(after.cutout.color)[inside].astype(int) - after.photo[inside])
    assert apart.mean() < 0.5


@pytest.mark.parametrize("tilt", [-6.0, 6.0])
def test_what_hangs_askew_is_turned_upright(tilt):
    askew = subject_from(tee(400, half_torso=0.18, tilt_deg=tilt, open_neck=False).pixels)

    straight = upright(askew, find_pose(askew.cutout.matte))

    pose = find_pose(straight.cutout.matte)
    assert pose is not None
    assert pose.is_sure
    assert abs(pose.tilt_deg) < 0.8
    assert straight.checks["straightened_deg"] == pytest.approx(tilt, abs=0.8)


def test_a_hanger_is_told_since_its_bar_may_show():
    pixels = tee(400, half_torso=0.2, top=0.25, open_neck=False).pixels.copy()
    cv2.ellipse(pixels, (200, 62), (14, 14), 0, 120, 400, (60, 60, 60, 255), 4)
    cv2.line(pixels, (200, 76), (200, 104), (60, 60, 60, 255), 4)

    hanging = subject_from(pixels)
    freed = unhooked(hanging)

    assert "hanger_may_show" in freed.warnings
    assert freed.product.top > hanging.product.top + 20
    assert unhooked(freed).product == freed.product
