"""Decoding of source photos and encoding of finished files."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from gpu_workers.errors import SourceUnusable
from gpu_workers.imaging import codec


def noise_photo(height: int = 40, width: int = 56, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def file_of(pixels: np.ndarray, file_format: str, **options: object) -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, file_format, **options)
    return file.getvalue()


def test_an_opaque_png_decodes_to_its_pixels_without_opacity():
    photo = noise_photo()

    source = codec.decode(file_of(photo, "PNG"))

    assert source.alpha is None
    assert np.array_equal(source.photo, photo)


def test_opacity_of_a_png_arrives_as_shares():
    alpha = np.full((40, 56, 1), 51, np.uint8)

    source = codec.decode(file_of(np.dstack([noise_photo(), alpha]), "PNG"))

    assert source.alpha is not None
    assert np.allclose(source.alpha, 0.2)


def test_a_fully_opaque_alpha_channel_counts_as_none():
    alpha = np.full((40, 56, 1), 255, np.uint8)

    assert codec.decode(file_of(np.dstack([noise_photo(), alpha]), "PNG")).alpha is None


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"\x89PNG\r\n\x1a\n broken", file_of(noise_photo(), "BMP")]
)
def test_what_is_no_photo_is_refused_with_a_cure(data):
    with pytest.raises(SourceUnusable, match="upload it again"):
        codec.decode(data)


def test_a_truncated_photo_is_refused():
    with pytest.raises(SourceUnusable):
        codec.decode(file_of(noise_photo(200, 200), "JPEG")[:400])


def test_a_photo_beyond_sixteen_megapixels_is_reduced_in_proportion():
    source = codec.decode(file_of(np.zeros((2900, 5800, 3), np.uint8), "PNG"))

    height, width = source.photo.shape[:2]
    assert height * width <= 16_000_000
    assert width / height == pytest.approx(2, abs=0.002)


@given(
    st.sampled_from(["JPEG", "PNG", "WEBP"]),
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(0, 99),
)
@settings(max_examples=30, deadline=None)
def test_a_file_has_the_size_and_format_asked_for_and_the_same_bytes_every_time(
    file_format, height, width, seed
):
    photo = noise_photo(height, width, seed)

    data = codec.encode(photo, file_format, quality=90)

    with Pillow.open(io.BytesIO(data)) as picture:
        assert (picture.format, picture.size) == (file_format, (width, height))
    assert data == codec.encode(photo, file_format, quality=90)


def test_a_png_returns_the_same_pixels():
    photo = noise_photo()

    assert np.array_equal(codec.decode_photo(codec.encode(photo, "PNG")), photo)


def test_colors_under_full_transparency_are_dropped():
    alpha = np.zeros((40, 56), np.float32)
    alpha[10:20, 10:20] = 1

    data = codec.encode(noise_photo(), "PNG", alpha=alpha)

    with Pillow.open(io.BytesIO(data)) as picture:
        pixels = np.asarray(picture)
    assert pixels[alpha == 0].max() == 0


def test_a_jpeg_keeps_full_chroma_resolution():
    with Pillow.open(io.BytesIO(codec.encode(noise_photo(), "JPEG"))) as picture:
        assert all(layer[1:3] == (1, 1) for layer in picture.layer)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_a_file_carries_an_srgb_profile_and_nothing_else_about_its_maker(file_format):
    with Pillow.open(io.BytesIO(codec.encode(noise_photo(), file_format))) as picture:
        assert picture.info["icc_profile"] == codec.srgb_profile()
        assert not picture.getexif()
        assert not {"comment", "xmp", "photoshop", "Software", "date:create"} & picture.info.keys()


def test_the_profile_does_not_hold_the_time_of_its_making():
    profile = codec.srgb_profile()

    assert profile[24:36] == b"\x07\xea\x00\x01\x00\x01" + bytes(6)
    assert profile[36:40] == b"acsp"


def test_a_jpeg_refuses_opacity():
    with pytest.raises(ValueError, match="no opacity"):
        codec.encode(noise_photo(), "JPEG", alpha=np.ones((40, 56), np.float32))


def test_a_photo_and_opacity_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match="shapes differ"):
        codec.encode(noise_photo(), "PNG", alpha=np.ones((40, 55), np.float32))
