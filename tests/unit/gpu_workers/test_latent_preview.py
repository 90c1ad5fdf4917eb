"""Previews from latents."""

from __future__ import annotations

import numpy as np
import pytest

from gpu_workers.engines.diffusion.latent_preview import LatentLens


def test_a_linear_autoencoder_is_seen_through_exactly():
    generator = np.random.default_rng(3)
    cells = generator.normal(0, 1, (4, 6, 8)).astype(np.float32)
    true = generator.normal(0, 0.08, (3, 4)).astype(np.float32)
    small = 0.5 + np.einsum("kc,chw->hwk", true, cells)
    picture = np.kron(small, np.ones((8, 8, 1))).astype(np.float32)

    seen = LatentLens.fitted(cells, picture).see(cells)

    assert seen.shape == (6, 8, 3)
    assert seen.astype(float) / 255 == pytest.approx(np.clip(small, 0, 1), abs=0.01)


def test_a_picture_of_one_color_and_latents_that_are_no_numbers_are_survived():
    flat = LatentLens.fitted(np.ones((4, 5, 5), np.float32), np.full((40, 40, 3), 0.25, np.float32))

    assert abs(int(flat.see(np.ones((4, 5, 5), np.float32)).mean()) - 64) <= 1
    assert flat.see(np.full((4, 5, 5), np.nan, np.float32)).shape == (5, 5, 3)
