"""Bleed and halo, on edges whose colors are known."""

from __future__ import annotations

import numpy as np
import pytest

from gpu_workers.imaging.edge_quality import bleed, halo

PRODUCT, BACKDROP = np.array([200.0, 40, 40]), np.array([30.0, 90, 220])


def edge(mixed: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A soft vertical edge of 20 px; its freed colors hold so much of the backdrop."""
    alpha = np.clip((np.arange(120) - 50) / 20, 0, 1).astype(np.float32)
    matte = np.repeat(alpha[np.newaxis], 40, axis=0)
    photo = matte[..., np.newaxis] * PRODUCT + (1 - matte[..., np.newaxis]) * BACKDROP
    left = (mixed * (1 - matte))[..., np.newaxis]
    color = (1 - left) * PRODUCT + left * BACKDROP
    return photo.round().astype(np.uint8), color.round().astype(np.uint8), matte


def test_clean_colors_have_no_bleed() -> None:
    found = bleed(*edge(0.0))

    assert found is not None
    assert (found.median, found.share) == (pytest.approx(0.0, abs=0.01), 0.0)


def test_the_colors_of_the_photo_itself_are_all_bleed() -> None:
    photo, _, matte = edge(0.0)

    found = bleed(photo, photo, matte)

    assert found is not None
    assert found.median == pytest.approx(0.5, abs=0.05)
    assert found.share > 0.6


def test_bleed_grows_with_what_is_left_of_the_backdrop() -> None:
    medians = [found.median for mixed in (0.0, 0.4, 0.8) if (found := bleed(*edge(mixed)))]

    assert medians == sorted(medians)
    assert len(set(medians)) == 3


def test_without_an_edge_or_a_difference_there_is_nothing_to_say() -> None:
    photo, color, matte = edge(0.0)

    assert bleed(photo, color, (matte > 0.5).astype(np.float32)) is None
    assert bleed(np.full_like(photo, 90), np.full_like(color, 90), matte) is None


@pytest.mark.parametrize(("ring", "expected"), [(255, 0.0), (205, 50.0)])
def test_the_halo_is_the_darkness_around_the_product(ring: int, expected: float) -> None:
    matte = np.zeros((60, 60), np.float32)
    matte[20:40, 20:40] = 1
    picture = np.full((60, 60, 3), 255, np.uint8)
    picture[10:50, 10:50] = ring
    picture[20:40, 20:40] = (10, 20, 30)

    assert halo(picture, matte) == pytest.approx(expected)


def test_spines_are_no_halo() -> None:
    matte = np.zeros((60, 60), np.float32)
    matte[20:40, 20:40] = 1
    picture = np.full((60, 60, 3), 255, np.uint8)
    picture[20:40, 20:40] = (10, 20, 30)
    picture[10:20, 24:40:5] = picture[10:20, 25:40:5] = 90

    assert halo(picture, matte) == 0
