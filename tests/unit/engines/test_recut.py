"""A network's coarse edge, found again in the photo: what is taken over of it."""

from __future__ import annotations

import numpy as np
import pytest

from gpu_workers.engines import rembg_segmenter
from gpu_workers.engines.rembg_segmenter import _recut

PHOTO = np.zeros((500, 500, 3), np.uint8)


def square(low=100, high=400):
    mask = np.zeros((500, 500), bool)
    mask[low:high, low:high] = True
    return mask


@pytest.fixture
def refined(monkeypatch):
    """Let the re-cut edge be what the test says."""
    fine = square()
    monkeypatch.setattr(rembg_segmenter, "refine", lambda *_: fine)
    return fine


def test_an_edge_that_moves_to_both_sides_is_taken_over(refined):
    refined[100:103, 150:350] = False
    refined[400:403, 150:350] = True
    refined[200:203, 97:100] = True

    np.testing.assert_array_equal(_recut(PHOTO, square(), None), refined)


def test_a_piece_that_was_eaten_stays_and_a_thin_line_goes(refined):
    refined[300:400, 340:400] = False
    refined[100:102, 150:350] = False

    mask = _recut(PHOTO, square(), None)

    assert mask[300:400, 340:400].all()
    assert not mask[100:102, 150:350].any()


def test_a_shadow_that_was_won_is_given_back(refined):
    refined[400:440, 100:400] = True

    np.testing.assert_array_equal(_recut(PHOTO, square(), None), square())
