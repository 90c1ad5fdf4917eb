"""The demo product photos: files, ground truth and the renderer that made them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import apps.catalog.sample_photos as package
from apps.catalog.sample_photos import sdf
from apps.catalog.sample_photos.render import SAMPLES, Sample, render_sample

PHOTOS = Path(package.__file__).parent / "photos"
ALPHAS = Path(__file__).parents[2] / "data" / "sample_alpha"

by_stem = pytest.mark.parametrize(
    "sample", SAMPLES, ids=[f"{sample.sku}_{sample.view}" for sample in SAMPLES]
)


def _stem(sample: Sample) -> str:
    return f"{sample.sku}_{sample.view}"


def _sample(slug: str) -> Sample:
    return next(sample for sample in SAMPLES if sample.slug == slug)


def test_there_are_enough_different_products():
    assert len(SAMPLES) >= 8
    assert len({sample.sku for sample in SAMPLES}) >= 7
    assert len({sample.slug for sample in SAMPLES}) == len(SAMPLES)
    assert len({_stem(sample) for sample in SAMPLES}) == len(SAMPLES)
    assert any(
        len({other.view for other in SAMPLES if other.sku == sample.sku}) > 1 for sample in SAMPLES
    )


def test_files_are_exactly_the_samples():
    stems = sorted(_stem(sample) for sample in SAMPLES)
    assert sorted(path.stem for path in PHOTOS.glob("*.jpg")) == stems
    assert sorted(path.stem for path in ALPHAS.glob("*.png")) == stems


@by_stem
def test_photo_is_light_and_of_the_announced_shape(sample: Sample):
    path = PHOTOS / f"{_stem(sample)}.jpg"
    assert path.stat().st_size <= 250_000
    with Image.open(path) as photo:
        assert photo.mode == "RGB"
        assert 1000 <= max(photo.size) <= 1600
        assert photo.width / photo.height == pytest.approx(sample.aspect, rel=0.01)


@by_stem
def test_ground_truth_frames_the_product(sample: Sample):
    with (
        Image.open(PHOTOS / f"{_stem(sample)}.jpg") as photo,
        Image.open(ALPHAS / f"{_stem(sample)}.png") as truth,
    ):
        assert truth.mode == "L"
        assert truth.size == photo.size
        alpha = np.asarray(truth, dtype=np.float32) / 255.0
    assert 0.10 <= alpha.mean() <= 0.60
    border = np.concatenate(
        [alpha[:8].ravel(), alpha[-8:].ravel(), alpha[:, :8].ravel(), alpha[:, -8:].ravel()]
    )
    assert border.max() == 0.0
    rows, columns = np.flatnonzero(alpha.max(axis=1)), np.flatnonzero(alpha.max(axis=0))
    extent = max(np.ptp(rows) / alpha.shape[0], np.ptp(columns) / alpha.shape[1])
    assert 0.45 <= extent <= 0.85
    assert abs(columns.mean() / alpha.shape[1] - 0.5) < 0.12
    # Antialiased: the edge has values between, but it is only an edge.
    between = (alpha > 0.02) & (alpha < 0.98)
    assert 0.0 < between.mean() < 0.08


@by_stem
def test_product_stands_out_from_what_is_behind_it(sample: Sample):
    """A guard against a swapped or stale mask: the photo must change where the alpha does."""
    size = (140, round(140 / sample.aspect))
    with (
        Image.open(PHOTOS / f"{_stem(sample)}.jpg") as photo,
        Image.open(ALPHAS / f"{_stem(sample)}.png") as truth,
    ):
        rgb = np.asarray(photo.resize(size, Image.Resampling.BOX), dtype=np.float32)
        alpha = np.asarray(truth.resize(size, Image.Resampling.BOX), dtype=np.float32) / 255.0
    steps = np.abs(np.diff(rgb, axis=1)).mean(axis=2)
    on_edge = np.abs(np.diff(alpha, axis=1)) > 0.4
    far = ~on_edge & (alpha[:, 1:] < 0.02)
    assert np.median(steps[on_edge]) > 3 * np.median(steps[far])


def test_same_seed_same_pixels():
    sample = _sample("tea-carton-angle")
    first = render_sample(sample, width_px=32, height_px=40, samples=2, seed=5)
    again = render_sample(sample, width_px=32, height_px=40, samples=2, seed=5)
    other = render_sample(sample, width_px=32, height_px=40, samples=2, seed=6)
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])


def test_committed_photo_is_what_the_renderer_draws():
    """Render one photo at a tenth of its size and compare it with the committed file.

    The renderer is Monte Carlo: at 8 paths per pixel the noise alone is worth about 4 of 255
    levels, the denoiser smears print and grain that the large photo resolves, and JPEG adds one
    level. A changed light, color, camera or product moves the mean by far more than 10.
    """
    sample = _sample("tea-carton-angle")
    size = (88, 110)
    rgb, alpha = render_sample(sample, width_px=size[0], height_px=size[1], samples=8, seed=3)
    with Image.open(PHOTOS / f"{_stem(sample)}.jpg") as photo:
        committed = np.asarray(photo.resize(size, Image.Resampling.BOX), dtype=np.float32)
    with Image.open(ALPHAS / f"{_stem(sample)}.png") as truth:
        mask = np.asarray(truth.resize(size, Image.Resampling.BOX), dtype=np.float32)
    assert np.abs(rgb - committed).mean() < 10.0
    assert np.abs(alpha - mask).mean() < 3.0


def test_outline_gives_signed_distances():
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=np.float32)
    outline = sdf.Outline(square, margin_cm=2.0)
    u = np.array([0.0, 2.0, 2.0, 0.5], dtype=np.float32)
    v = np.array([0.0, 0.0, 2.0, 0.0], dtype=np.float32)
    expected = [-1.0, 1.0, np.sqrt(2.0), -0.5]
    assert outline.distance(u, v) == pytest.approx(expected, abs=0.01)
