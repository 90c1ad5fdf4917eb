"""Likeness of mattes within the band where the true one is soft."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from gpu_workers.imaging.likeness import band_likeness, likeness


def truth(sigma: float) -> np.ndarray:
    matte = np.zeros((200, 200), np.float32)
    matte[50:150, 50:150] = 1
    return cv2.GaussianBlur(matte, (0, 0), sigma) if sigma else matte


def test_within_the_band_the_true_matte_is_perfect():
    found = band_likeness(truth(2), truth(2))

    assert found is not None
    assert (found.iou, found.absolute_sum, found.gradient_sum) == (1, 0, 0)


def test_what_is_wrong_far_from_the_edge_does_not_count_there():
    wrong = truth(2)
    wrong[5:20, 5:20] = 1

    found = band_likeness(wrong, truth(2))

    assert found is not None
    assert found.absolute_sum == 0
    assert likeness(wrong, truth(2)).absolute_sum == pytest.approx(0.225)


def test_an_edge_that_is_too_hard_counts_there():
    found = band_likeness(truth(0), truth(2))

    assert found is not None
    assert found.absolute_sum == pytest.approx(likeness(truth(0), truth(2)).absolute_sum, rel=0.05)
    assert found.gradient_sum > 0


def test_a_hard_mask_knows_no_band():
    assert band_likeness(truth(2), truth(0)) is None


def test_different_sizes_are_refused():
    with pytest.raises(ValueError, match="shapes differ"):
        band_likeness(truth(2), truth(2)[1:])
