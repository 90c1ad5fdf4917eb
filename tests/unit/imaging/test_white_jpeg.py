"""JPEGs whose background is white in every pixel, up to the edge of the product."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from gpu_workers.imaging import white_jpeg
from gpu_workers.imaging.codec import decode_photo, encode, srgb_profile


def on_white(
    height: int, width: int, *, seed: int, noise: float = 20
) -> tuple[np.ndarray, np.ndarray]:
    """A noisy disc of a strong color with a soft edge, and what is background about it."""
    generator = np.random.default_rng(seed)
    alpha = np.zeros((height, width), np.float32)
    center = int(generator.integers(0, width)), int(generator.integers(0, height))
    cv2.circle(alpha, center, int(generator.integers(1, max(2, width // 2))), 1, -1, cv2.LINE_AA)
    alpha = cv2.GaussianBlur(alpha, (0, 0), 0.8)
    alpha[alpha < 0.02] = 0
    color = generator.uniform(0, 255, 3) + generator.normal(0, noise, (height, width, 3))
    photo = 255 + (np.clip(color, 0, 255) - 255) * alpha[..., None]
    return np.rint(photo).astype(np.uint8), alpha == 0


@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_every_background_pixel_decodes_to_white_whatever_the_size(height, width, seed):
    photo, background = on_white(height, width, seed=seed)

    data = white_jpeg.encode_on_white(photo, background, srgb_profile())

    assert (decode_photo(data)[background] == 255).all()


def test_another_decoder_sees_the_same_white():
    photo, background = on_white(160, 160, seed=3)

    data = white_jpeg.encode_on_white(photo, background, srgb_profile())

    assert (cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[background] == 255).all()


def test_it_is_needed_because_the_finest_quality_alone_is_not_white():
    photo, background = on_white(160, 160, seed=3)

    picture = decode_photo(encode(photo, "JPEG", quality=100))

    assert 0.9 < (picture[background] == 255).all(axis=1).mean() < 0.999


def test_the_product_keeps_its_colors():
    photo, background = on_white(320, 320, seed=4)

    picture = decode_photo(white_jpeg.encode_on_white(photo, background, srgb_profile()))

    change = np.abs(picture.astype(int) - photo).max(axis=2)
    depth = cv2.distanceTransform((~background).astype(np.uint8), cv2.DIST_C, 3)
    assert np.percentile(change[depth > 8], 99.9) <= 4
    assert np.percentile(change[(depth > 0) & (depth <= 8)], 95) <= 8


def test_where_chance_does_not_help_the_block_becomes_white(monkeypatch):
    monkeypatch.setattr(white_jpeg, "_REACHES", ())
    photo, background = on_white(96, 96, seed=7)

    picture = decode_photo(white_jpeg.encode_on_white(photo, background, srgb_profile()))

    assert (picture[background] == 255).all()


def test_the_same_picture_gives_the_same_bytes_and_a_plain_full_chroma_jpeg():
    photo, background = on_white(90, 60, seed=9)

    data = white_jpeg.encode_on_white(photo, background, srgb_profile())

    assert data == white_jpeg.encode_on_white(photo, background, srgb_profile())
    with Pillow.open(io.BytesIO(data)) as picture:
        assert (picture.format, picture.size, picture.mode) == ("JPEG", (60, 90), "RGB")
        assert picture.info["jfif"]
        assert picture.info["icc_profile"] == srgb_profile()
        assert all(layer[1:3] == (1, 1) for layer in picture.layer)


@pytest.mark.parametrize("is_background", [True, False])
def test_a_picture_of_one_kind_of_pixel_is_written_as_it_is(is_background):
    photo = np.full((20, 20, 3), 255 if is_background else 90, np.uint8)

    data = white_jpeg.encode_on_white(photo, np.full((20, 20), is_background), srgb_profile())

    assert np.array_equal(decode_photo(data), photo)
