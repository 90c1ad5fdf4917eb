"""Training pictures show what their mask says, and the same ones to the same seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gpu_workers.engines.product_finder import SIDE
from gpu_workers.training.outlines import random_parts
from gpu_workers.training.pictures import rendered_products, training_picture


def test_a_seed_always_draws_the_same_picture() -> None:
    for seed in range(3):
        one, other = (training_picture(np.random.default_rng(seed)) for _ in range(2))
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_products_are_whole_and_stand_about_the_middle() -> None:
    middles = []
    for seed in range(60):
        photo, mask = training_picture(np.random.default_rng(seed))
        assert photo.shape == (SIDE, SIDE, 3)
        assert photo.dtype == mask.dtype == np.uint8
        product = mask > 127
        assert 0.02 < product.mean() < 0.8
        middles.append(np.argwhere(product).mean(axis=0) / SIDE)
    assert np.abs(np.mean(middles, axis=0) - 0.5).max() < 0.05


def test_pixels_inside_the_mask_are_the_products(tmp_path: Path) -> None:
    """A product of one color that nothing drawn here has lies where its mask says."""
    look = np.zeros((200, 160, 3), np.uint8)
    look[:] = 255, 0, 255
    alpha = np.zeros((200, 160), np.uint8)
    alpha[30:180, 40:120] = 255
    Image.fromarray(look).save(tmp_path / "CARD_front.png")
    Image.fromarray(alpha).save(tmp_path / "CARD_front_alpha.png")
    products = rendered_products(tmp_path)
    seen = 0
    for seed in range(80):
        photo, mask = training_picture(np.random.default_rng(seed), products)
        pink = photo.astype(float) @ [0.5, -1, 0.5]
        if pink[mask > 250].min() > 60 and pink[mask > 250].std() < 12:
            seen += 1
            assert pink[mask > 250].mean() > pink[mask < 5].mean() + 40
    assert seen >= 4


def test_a_folder_without_products_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="NAME_alpha"):
        rendered_products(tmp_path)


def test_every_product_stays_near_its_own_frame() -> None:
    rng = np.random.default_rng(4)
    for _ in range(300):
        for part in random_parts(rng):
            assert np.isfinite(part.points).all()
            assert np.abs(part.points).max() < 3
