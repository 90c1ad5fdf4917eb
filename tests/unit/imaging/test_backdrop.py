"""Empty sets: tiles, light, perspective, focus."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_workers.imaging.arrays import to_linear
from gpu_workers.imaging.backdrop import surface, sweep
from gpu_workers.imaging.camera import look_at
from gpu_workers.imaging.color import from_hex, luminance
from gpu_workers.imaging.framing import Box, Placement
from gpu_workers.imaging.lighting import light_maps, matched_tint
from gpu_workers.imaging.materials import SIDES, tile
from gpu_workers.imaging.noise import fractal, smooth
from gpu_workers.scene_spec import Light, SceneSpec, builtin_scenes

CANVAS = (240, 240)
NEUTRAL = np.ones(3, np.float32)
MATERIALS = ["wood", "marble", "stone", "linen", "concrete", "paper", "gloss"]


def ground(pitch: str = "front", canvas: tuple[int, int] = CANVAS):
    width, height = canvas
    box = Box(width // 3, height // 3, width // 3, height // 2)
    return look_at(Placement(box, box, box, canvas), pitch, 0.6, box.bottom)


def table(**changes: object) -> SceneSpec:
    spec = SceneSpec(
        slug="t",
        title="t",
        description="t",
        mode="surface",
        color="#d0d0d0",
        material="wood",
        material_color="#b08050",
    )
    return replace(spec, **changes)


@pytest.mark.parametrize("material", MATERIALS)
def test_a_tile_has_the_color_ordered_and_no_seam(material):
    picture = tile(material, "#a09080", SIDES[0], 1, -1)

    mean = to_linear(picture).mean(axis=(0, 1))
    assert picture.shape == (SIDES[0], SIDES[0], 3)
    assert mean == pytest.approx(from_hex("#a09080"), rel=0.3)
    for rows in (picture.astype(float), picture.astype(float).transpose(1, 0, 2)):
        across_seam = np.abs(rows[0] - rows[-1]).mean()
        inside = np.abs(np.diff(rows, axis=0)).mean(axis=(1, 2))
        assert across_seam <= max(np.percentile(inside, 99) * 1.5, 1.0)


def test_a_tile_is_the_same_every_time_and_differs_by_seed():
    first = tile("marble", "#f0f0f0", SIDES[0], 1, -1)

    assert np.array_equal(first, tile("marble", "#f0f0f0", SIDES[0], 4, -1))
    assert not np.array_equal(first, tile("marble", "#f0f0f0", SIDES[0], 2, -1))


def test_an_unknown_material_is_refused_with_those_known():
    with pytest.raises(ValueError, match="wood"):
        tile("cheese", "#ffffff", SIDES[0], 0, -1)


@given(st.sampled_from([(64, 64), (96, 192)]), st.integers(1, 8), st.integers(1, 8))
@settings(max_examples=20, deadline=None)
def test_noise_has_its_size_mean_zero_and_unit_deviation(size, rows, columns):
    field = fractal(size, (rows + 1, columns + 1), np.random.default_rng(0))

    assert field.shape == size
    assert field.mean() == pytest.approx(0, abs=1e-3)
    assert field.std() == pytest.approx(1, abs=1e-2)


def test_noise_wraps_around():
    field = smooth((128, 128), (4, 4), np.random.default_rng(2))

    assert np.abs(field[0] - field[-1]).max() <= 1.5 * np.abs(np.diff(field, axis=0)).max()


@pytest.mark.parametrize(
    "slug", [s for s, scene in builtin_scenes().items() if scene.mode != "solid"]
)
@pytest.mark.parametrize("pitch", ["front", "slightly_above", "top"])
def test_every_scene_draws_from_every_pitch(slug, pitch):
    scene = builtin_scenes()[slug]
    canvas = (160, 200)
    if scene.mode == "sweep":
        picture = sweep(scene, canvas, ground(pitch, canvas))
    else:
        picture = surface(scene, canvas, ground(pitch, canvas), NEUTRAL, seed=3)

    assert picture.shape == (200, 160, 3)
    assert picture.dtype == np.float32
    assert np.isfinite(picture).all()
    assert picture.min() >= 0


@pytest.mark.parametrize("pitch", ["front", "slightly_above"])
def test_a_sweep_shows_the_color_ordered_where_the_product_stands(pitch):
    scene = builtin_scenes()["seamless-sand"]
    view = ground(pitch)

    picture = sweep(scene, CANVAS, view)

    assert picture[int(view.base), 120] == pytest.approx(from_hex(scene.color), rel=0.06)


def test_a_sweep_has_no_line_between_floor_and_wall():
    picture = luminance(sweep(builtin_scenes()["seamless-sage"], CANVAS, ground()))

    steps = np.abs(np.diff(picture[:, 120]))
    assert steps.max() < 0.012 * picture.max()


def test_the_white_sweep_stays_almost_white():
    picture = sweep(builtin_scenes()["packshot-soft-shadow"], CANVAS, ground("slightly_above"))

    assert picture.min() > 0.85


@pytest.mark.parametrize("azimuth", [-60.0, 60.0])
def test_the_side_of_the_light_is_brighter(azimuth):
    light = Light(azimuth_deg=azimuth, falloff=0.6)

    wall, floor = light_maps(CANVAS, ground(), light)

    view = ground()
    for values in (wall[: int(view.edge)], floor[int(view.edge) :]):
        left, right = values[:, :80].mean(), values[:, 160:].mean()
        assert (left > right * 1.05) if azimuth < 0 else (right > left * 1.05)


def test_without_falloff_the_light_is_even():
    wall, floor = light_maps(CANVAS, ground(), Light(falloff=0))

    assert wall.std() < 1e-4
    assert floor[150:].std() < 1e-4


def test_from_the_front_a_table_ends_at_the_horizon_with_a_wall_behind():
    scene = table(material="paper", material_color="#402010", light=Light(falloff=0))
    view = ground("front")

    picture = luminance(surface(scene, CANVAS, view, NEUTRAL, seed=1))

    edge = int(view.edge)
    assert edge == pytest.approx(144, abs=1)
    assert picture[edge - 30].mean() > 3 * picture[edge + 30].mean()


def test_from_straight_above_there_is_surface_only():
    scene = table(material="paper", material_color="#402010", light=Light(falloff=0))

    picture = surface(scene, CANVAS, ground("top"), NEUTRAL, seed=1)

    assert picture.reshape(-1, 3).mean(axis=0) == pytest.approx(from_hex("#402010"), rel=0.1)
    assert luminance(picture).std() < 0.01


def test_the_back_of_the_table_is_out_of_focus_and_the_front_is_not():
    scene = table(material="stone", light=Light(falloff=0))
    canvas = (600, 600)
    view = ground("slightly_above", canvas)

    picture = luminance(surface(scene, canvas, view, NEUTRAL, seed=1))

    def detail(row: float) -> float:
        strip = picture[int(row) - 6 : int(row) + 6]
        return float(np.abs(np.diff(strip, axis=1)).mean() / strip.mean())

    assert detail(view.base) > 3 * detail(view.edge + 12)


def test_a_lit_table_is_the_same_for_the_same_seed_only():
    scene = table()

    first = surface(scene, CANVAS, ground(), NEUTRAL, seed=5)

    assert np.array_equal(first, surface(scene, CANVAS, ground(), NEUTRAL, seed=5))
    assert not np.array_equal(first, surface(scene, CANVAS, ground(), NEUTRAL, seed=6))


def test_the_scene_follows_the_white_of_the_product_within_narrow_bounds():
    warm = np.full((100, 100, 3), 0.7, np.float32) * np.array([1.03, 1.0, 0.95], np.float32)

    gain = matched_tint(warm, np.ones((100, 100), np.float32))

    assert gain[0] > 1 > gain[2]
    assert np.abs(gain - 1).max() <= 0.0251


def test_a_colorful_product_does_not_tint_the_scene():
    red = np.zeros((100, 100, 3), np.float32) + np.array([0.7, 0.05, 0.05], np.float32)

    assert (matched_tint(red, np.ones((100, 100), np.float32)) == 1).all()
