"""Previews of a picture that is being painted: what part of it, and how often."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as Pillow

from gpu_workers.engines.backdrop_generator import Step
from gpu_workers.imaging.generated_backdrop import Fit
from gpu_workers.pipelines.live_preview import SECONDS, SIDE_PX, LivePreview

GRAY = np.full((16, 16, 3), 120, np.uint8)


def preview_of(fit, clock=lambda: 0.0):
    width, height = fit.inner
    drawn = np.zeros((height, width, 3), np.uint8)
    matte = np.zeros((height, width), np.float32)
    matte[height // 4 : height // 2, width // 4 : width // 2] = 1
    return LivePreview(fit, drawn, matte, clock=clock)


def step(seen=GRAY, places=(0,)):
    return Step(1, 2, places, lambda _place: seen)


@pytest.mark.parametrize("canvas", [(1000, 1000), (2000, 1000), (1080, 1920), (4000, 17)])
@pytest.mark.parametrize("size", [(1024, 1024), (768, 1344)])
def test_a_preview_shows_the_canvas_and_nothing_beside_it(canvas, size):
    fit = Fit.of(canvas, size)
    # White is what lies beside the canvas.
    seen = np.full((size[1] // 8, size[0] // 8, 3), 255, np.uint8)
    rows = slice(-(-fit.top // 8), (fit.top + fit.inner[1]) // 8)
    seen[rows, -(-fit.left // 8) : (fit.left + fit.inner[0]) // 8] = 120

    with Pillow.open(io.BytesIO(preview_of(fit).of(step(seen)))) as picture:
        shown = np.asarray(picture.convert("L")).astype(int)
        width, height = picture.size

    assert max(width, height) == min(SIDE_PX, max(fit.inner))
    assert abs(width / height - fit.inner[0] / fit.inner[1]) <= fit.inner[0] / fit.inner[1] / height
    if min(width, height) >= 32:
        inside = shown[height // 2 : -height // 8, width // 2 : -width // 8]
        assert abs(inside - 120).max() < 12
        assert shown[3 * height // 8, 3 * width // 8] < 12


def test_previews_are_dropped_and_not_queued():
    now = [0.0]
    preview = preview_of(Fit.of((64, 64), (64, 64)), clock=lambda: now[0])
    made = []

    for tick in range(20):
        now[0] = tick * SECONDS / 5
        made.append(bool(preview.of(step())))

    assert made == [tick % 5 == 0 for tick in range(20)]


def test_a_step_that_shows_nothing_costs_no_turn():
    preview = preview_of(Fit.of((64, 64), (64, 64)))

    assert preview.of(step(seen=None)) == b""
    assert preview.of(step(places=(1, 2))) == b""
    assert preview.of(step())
