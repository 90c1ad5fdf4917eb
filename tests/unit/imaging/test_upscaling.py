"""More pixels: better than interpolation, and nothing that was not there."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import apps.catalog.sample_photos as samples
from gpu_workers import bench_upscale
from gpu_workers.imaging.framing import resample
from gpu_workers.imaging.upscaling import enlarge, reduction_error

PHOTOS = Path(samples.__file__).parent / "photos"


def photo(name, side):
    with Image.open(PHOTOS / f"{name}.jpg") as picture:
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        pixels = np.asarray(picture, dtype=np.float32)
    height, width = pixels.shape[0] // 12 * 12, pixels.shape[1] // 12 * 12
    return np.ascontiguousarray(pixels[:height, :width])


def psnr(made, truth):
    return 10 * np.log10(255**2 / np.mean((np.clip(made, 0, 255) - truth) ** 2))


@pytest.mark.parametrize("name", ["MUG-MDW_front", "TEA-20_angle", "TOY-CAR_angle"])
@pytest.mark.parametrize(("factor", "gain"), [(2, 1.0), (3, 0.7), (4, 0.5)])
def test_a_reduced_photo_comes_back_better_than_by_interpolation(name, factor, gain):
    truth = photo(name, 480)
    size = (truth.shape[1], truth.shape[0])
    small = np.round(resample(truth, (size[0] // factor, size[1] // factor)))

    made = enlarge(small, size)

    assert psnr(made, truth) > psnr(resample(small, size), truth) + gain


@given(
    values=st.lists(st.integers(0, 255), min_size=36, max_size=36),
    width=st.integers(6, 30),
    height=st.integers(6, 30),
)
@settings(max_examples=40, deadline=None)
def test_no_pixel_leaves_the_range_of_the_photo_by_more_than_an_eighth(values, width, height):
    small = np.array(values, np.float32).reshape(6, 6)

    made = enlarge(small, (width, height))

    room = 0.125 * (small.max() - small.min())
    assert made.min() >= max(0, small.min() - room)
    assert made.max() <= min(255, small.max() + room)


def test_what_is_even_stays_exactly_even_up_to_the_edge():
    small = np.full((30, 30), 255, np.float32)
    small[10:20, 10:20] = 30

    made = enlarge(small, (90, 90))

    assert (made[:24] == 255).all()
    assert made.max() == 255


def test_reduced_again_it_is_the_photo():
    small = photo("MUG-MDW_front", 120)

    made = enlarge(small, (2 * small.shape[1], 2 * small.shape[0]))

    assert reduction_error(small, made) < 0.4
    assert reduction_error(small, resample(small, (made.shape[1], made.shape[0]))) > 0.4


def test_grain_is_left_alone():
    generator = np.random.default_rng(3)
    small = (128 + generator.normal(0, 6, (80, 80))).astype(np.float32)

    made = enlarge(small, (160, 160))

    assert made.std() > 0.85 * resample(small, (160, 160)).std()


def test_a_smaller_size_is_refused():
    with pytest.raises(ValueError, match="smaller"):
        enlarge(np.zeros((10, 10), np.float32), (9, 20))


def test_the_command_prints_what_it_measured(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    Image.fromarray(photo("MUG-MDW_front", 120).astype(np.uint8)).save(tmp_path / "mug.png")

    bench_upscale.main([str(tmp_path / "mug.png"), "--factor", "2"])

    _, row, mean = capsys.readouterr().out.splitlines()
    name, bicubic, _, ours, _ = row.split()
    assert name == "mug"
    assert float(ours) > float(bicubic) + 0.5
    assert mean.split()[1:4] == row.split()[1:4]
