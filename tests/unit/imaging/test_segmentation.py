"""The classical cutout on pictures whose right answer is known exactly."""

from functools import cache

import cv2
import numpy as np
import pytest

from gpu_workers.engines.classical_segmenter import cutout_from_alpha, segment
from gpu_workers.errors import SourceUnusable

SIDE = 400


def backdrop(*, seed=7):
    """A pale seamless paper, darker towards the floor, with sensor noise."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    light = 232 - 34 * y - 10 * (x - 0.4) ** 2
    noise = np.random.default_rng(seed).normal(0, 1.6, (SIDE, SIDE, 3))
    return light[..., None] * [1.0, 0.99, 0.97] + noise


def with_shadow(paper, center, axes):
    """Darken an ellipse softly, as a lamp overhead does under a product."""
    shade = np.zeros((SIDE, SIDE), np.float32)
    cv2.ellipse(shade, center, axes, 0, 0, 360, 0.4, -1)
    return paper * (1 - cv2.GaussianBlur(shade, (0, 0), 11))[..., None]


def lay(paper, alpha, color):
    alpha = cv2.GaussianBlur(alpha.astype(np.float32), (0, 0), 0.7)[..., None]
    return np.clip(paper * (1 - alpha) + np.array(color) * alpha, 0, 255).astype(np.uint8)


def mug():
    """A body with a ring for a handle: (photo, true mask, a point inside the handle)."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.rectangle(mask, (120, 120), (240, 300), 1, -1)
    cv2.ellipse(mask, (240, 210), (52, 60), 0, -90, 90, 1, 16)
    paper = with_shadow(backdrop(), (180, 305), (100, 16))
    return lay(paper, mask, (176, 42, 38)), mask.astype(bool), (210, 262)


@cache
def mug_cutout():
    return segment(mug()[0])


def overlap(matte, mask):
    found = matte > 0.5
    return (found & mask).sum() / (found | mask).sum()


def test_a_product_on_a_gradient_with_noise_and_shadow_is_found():
    _, mask, _ = mug()

    cutout = mug_cutout()

    assert overlap(cutout.matte, mask) > 0.97
    assert cutout.confidence >= 0.6


def test_the_hole_of_a_handle_stays_open():
    _, _, hole = mug()

    assert mug_cutout().matte[hole] == 0


def test_a_soft_shadow_on_the_floor_is_no_product():
    assert mug_cutout().matte[312:330, 90:270].max() < 0.05


def test_a_thin_strap_is_kept():
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.rectangle(mask, (130, 190), (270, 320), 1, -1)
    cv2.ellipse(mask, (200, 190), (55, 100), 0, 180, 360, 1, 4)
    photo = lay(backdrop(), mask, (30, 60, 120))

    matte = segment(photo).matte

    strap = mask.astype(bool)
    strap[188:] = False
    assert matte[strap].mean() > 0.8


def test_a_white_product_on_white_paper_is_found_whole():
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.rectangle(mask, (120, 110), (280, 310), 1, -1)
    shade = np.interp(np.arange(SIDE), [120, 200, 280], [225, 247, 222])[None, :, None]
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.8)[..., None]
    noise = np.random.default_rng(1).normal(0, 0.8, (SIDE, SIDE, 1))
    picture = np.full((SIDE, SIDE, 3), 236.0) * (1 - soft) + shade * soft + noise

    cutout = segment(np.clip(picture, 0, 255).astype(np.uint8))

    assert overlap(cutout.matte, mask.astype(bool)) > 0.93


def test_half_covered_pixels_lose_the_color_of_the_old_backdrop():
    _, mask, _ = mug()

    cutout = mug_cutout()

    edge = (cutout.matte > 0.3) & (cutout.matte < 0.95)
    inside = cutout.color[cv2.erode(mask.astype(np.uint8), np.ones((9, 9))) > 0].mean(axis=0)
    assert edge.sum() > 100
    assert np.median(cutout.color[edge][:, 1]) < inside[1] + 0.05


def test_opaque_pixels_keep_their_exact_color():
    photo, mask, _ = mug()

    cutout = mug_cutout()

    core = cv2.erode(mask.astype(np.uint8), np.ones((15, 15))) > 0
    encoded = np.where(
        cutout.color <= 0.0031308, cutout.color * 12.92, 1.055 * cutout.color ** (1 / 2.4) - 0.055
    )
    assert np.array_equal(np.round(encoded[core] * 255).astype(np.uint8), photo[core])


def test_the_same_photo_gives_the_same_cutout():
    photo, _, _ = mug()

    first, second = mug_cutout(), segment(photo)

    assert np.array_equal(first.matte, second.matte)
    assert np.array_equal(first.color, second.color)
    assert first.confidence == second.confidence


def test_progress_is_told_and_the_source_is_not_written_to():
    photo, _, _ = mug()
    photo.setflags(write=False)
    told = []

    segment(photo, report=lambda step, share: told.append((step, share)))

    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert all(step for step, _ in told)


@pytest.mark.parametrize(
    ("photo", "reason"),
    [
        (np.full((200, 200, 3), 255, np.uint8), "even color"),
        (np.clip(backdrop() * 0 + 128, 0, 255).astype(np.uint8), "even color"),
        (np.zeros((40, 300, 3), np.uint8), "too small"),
    ],
)
def test_a_hopeless_photo_is_refused_with_its_reason(photo, reason):
    with pytest.raises(SourceUnusable, match=reason):
        segment(photo)


def test_bare_paper_with_noise_is_refused():
    with pytest.raises(SourceUnusable):
        segment(np.clip(backdrop(), 0, 255).astype(np.uint8))


def transparent_png():
    alpha = np.zeros((SIDE, SIDE), np.float32)
    alpha[60:260, 100:300] = 1
    shadow = np.zeros_like(alpha)
    cv2.ellipse(shadow, (200, 330), (120, 18), 0, 0, 360, 0.5, -1)
    color = np.full((SIDE, SIDE, 3), (255, 0, 255), np.uint8)
    color[60:260, 100:300] = (20, 90, 160)
    return color, np.maximum(alpha, cv2.GaussianBlur(shadow, (0, 0), 3))


def test_a_transparent_source_loses_its_separate_floor_shadow():
    color, alpha = transparent_png()

    cutout = cutout_from_alpha(color, alpha)

    assert cutout.matte[300:].max() == 0
    assert np.array_equal(cutout.matte[:280], alpha[:280])
    assert cutout.confidence == 1


def test_the_color_under_full_transparency_does_not_shine_through():
    color, alpha = transparent_png()

    cutout = cutout_from_alpha(color, alpha)

    assert cutout.color[59, 200, 0] < 0.1


def test_a_transparent_source_without_anything_opaque_is_refused():
    with pytest.raises(SourceUnusable, match="nothing opaque"):
        cutout_from_alpha(np.zeros((100, 100, 3), np.uint8), np.full((100, 100), 0.3, np.float32))
