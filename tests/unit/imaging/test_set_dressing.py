"""Podiums, water and props: they carry, mirror and surround the product and never touch it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_workers.errors import OrderInvalid
from gpu_workers.imaging.camera import Ground, look_at
from gpu_workers.imaging.color import from_hex
from gpu_workers.imaging.framing import Box, Placement
from gpu_workers.imaging.lighting import foliage_shadow
from gpu_workers.imaging.podium import draw_podium, plan_podium
from gpu_workers.imaging.props import falling, lights, lying
from gpu_workers.imaging.reflection import mirror
from gpu_workers.imaging.water import ripples
from gpu_workers.scene_spec import Light, Props, builtin_scenes, scene_from_json

CANVAS = (320, 320)
PRODUCT = Box(120, 90, 80, 130)
KINDS = ("leaves", "petals", "baubles", "pebbles")


def ground(pitch: str = "slightly_above", product: Box = PRODUCT) -> Ground:
    placement = Placement(source=product, target=product, product=product, canvas=CANVAS)
    return look_at(placement, pitch, 0.6, product.bottom)


class TestPodium:
    @given(
        left=st.integers(0, 120),
        width=st.integers(40, 180),
        top=st.integers(20, 120),
        height=st.integers(40, 130),
        pitch=st.sampled_from(["front", "slightly_above"]),
        shape=st.sampled_from(["round", "block"]),
        wide=st.floats(1.05, 3),
        tall=st.floats(5, 120),
    )
    @settings(max_examples=40, deadline=None)
    def test_it_carries_the_product_and_stays_on_the_canvas(
        self, left, width, top, height, pitch, shape, wide, tall
    ):
        product = Box(left, top, width, height)
        podium = plan_podium(
            product, ground(pitch, product), CANVAS, shape=shape, width=wide, height=tall
        )

        assert podium.half_width >= 0.52 * width
        assert podium.center == left + width / 2
        # The product's base line lies on the top, between its back and its front.
        assert abs(product.bottom - podium.top) <= podium.half_depth + 1
        if podium.half_width > 0.53 * width and podium.half_depth > 3:
            assert podium.foot <= 0.98 * CANVAS[1] or podium.height <= 0.031 * CANVAS[1]

    @pytest.mark.parametrize("shape", ["round", "block"])
    def test_its_side_and_top_are_drawn_and_the_lit_side_is_brighter(self, shape):
        podium = plan_podium(PRODUCT, ground(), CANVAS, shape=shape, width=1.6, height=40)
        light = Light(azimuth_deg=-60, elevation_deg=40)

        layer, whole, top = draw_podium(podium, CANVAS, light, from_hex("#e8e2da"), seed=1)

        assert 0 < top.sum() < whole.sum()
        assert (whole >= top - 0.02).all()
        row = int(podium.top + podium.half_depth + 0.5 * podium.height)
        inside = np.flatnonzero(whole[row] > 0.99)
        left, right = layer[row, inside[4]].mean(), layer[row, inside[-5]].mean()
        if shape == "round":
            assert left > 1.15 * right
        assert layer[int(podium.top), int(podium.center)].mean() > layer[row, inside].mean()


class TestWater:
    def test_it_is_still_above_its_edge_and_the_same_for_the_same_seed(self):
        plane = ground()

        across, along = ripples(CANVAS, plane, seed=5)

        assert np.abs(across[: int(plane.edge) - 2]).max() < 1e-6
        assert np.abs(along[int(plane.base) :]).mean() > 0.05
        assert (ripples(CANVAS, plane, seed=5)[1] == along).all()
        assert (ripples(CANVAS, plane, seed=6)[1] != along).any()

    def test_its_waves_bend_the_mirror_image(self):
        matte = np.zeros((320, 320), np.float32)
        matte[90:220, 120:200] = 1
        product = np.repeat(matte[..., None] * np.float32(0.5), 3, axis=2)
        plane = ground("front")

        straight, _ = mirror(product, matte, plane, strength=0.7, roughness=0.02)
        waves = ripples(CANVAS, plane, seed=2)
        bent, opacity = mirror(product, matte, plane, strength=0.7, roughness=0.02, ripple=waves)

        assert opacity[:215].max() < 0.05
        assert np.abs(bent - straight)[225:].max() > 0.02


class TestProps:
    @given(
        kind=st.sampled_from(KINDS),
        seed=st.integers(0, 2**32 - 1),
        pitch=st.sampled_from(["front", "slightly_above", "top"]),
        amount=st.floats(0.1, 1),
    )
    @settings(max_examples=25, deadline=None)
    def test_they_keep_clear_of_the_product(self, kind, seed, pitch, amount):
        things = lying(
            Props(kind=kind, amount=amount), CANVAS, ground(pitch), PRODUCT, Light(), seed=seed
        )

        inside = things.matte[PRODUCT.top : PRODUCT.bottom, PRODUCT.left : PRODUCT.right]
        assert inside.max() < 0.25
        assert float(inside.mean()) < 0.01
        assert things.matte.max() <= 1
        assert things.shadow.max() <= 1

    def test_a_seed_is_one_arrangement(self):
        def made(seed: int) -> np.ndarray:
            return lying(Props(kind="leaves"), CANVAS, ground(), PRODUCT, Light(), seed=seed).matte

        assert (made(1) == made(1)).all()
        assert (made(1) != made(2)).any()
        assert made(1).max() > 0.5

    def test_none_is_none(self):
        assert lying(Props(), CANVAS, ground(), PRODUCT, Light(), seed=0).matte.max() == 0
        assert lights(Props(kind="leaves"), CANVAS, 200, seed=0).max() == 0
        assert falling(Props(), CANVAS, np.zeros((320, 320), np.float32), seed=0).max() == 0
        empty = Props(kind="leaves", amount=0)
        assert lying(empty, CANVAS, ground(), PRODUCT, Light(), seed=0).matte.max() == 0

    def test_lamps_hang_on_the_wall_alone(self):
        added = lights(Props(kind="lights", amount=1), CANVAS, 180, seed=3)

        assert added[:150].max() > 0.1
        assert added[181:].max() == 0

    def test_no_flake_lies_over_the_product(self):
        matte = np.zeros((320, 320), np.float32)
        matte[90:220, 120:200] = 1

        flakes = falling(Props(kind="snow", amount=1), CANVAS, matte, seed=3)

        assert flakes[95:215, 125:195].max() == 0
        assert flakes.max() > 0.4

    def test_things_need_a_color(self):
        scene = builtin_scenes()["autumn-oak"].to_json()
        scene["props"]["colors"] = []

        with pytest.raises(OrderInvalid, match=r"scene\.props\.colors: at least one"):
            scene_from_json(scene)


def test_leaves_outside_the_window_throw_shadow_from_the_side_of_the_light():
    y, x = np.mgrid[0:200, 0:200].astype(np.float32) / 200

    left = foliage_shadow(x, y, -0.8)
    right = foliage_shadow(x, y, 0.8)

    assert 0.5 < left.min() < 0.75
    assert left.max() == pytest.approx(1.10, abs=0.01)
    assert left[:, :100].mean() < left[:, 100:].mean()
    assert np.allclose(right[:, ::-1], left, atol=0.06)


def test_a_product_on_a_podium_is_as_photographed_and_its_shadow_stays_on_the_top():
    from tests.unit.pipelines.test_runner import SCENES, order, run

    result, _, _ = run(order("plaster-podium"))
    scene = SCENES["plaster-podium"]
    bare = replace(scene, stage=replace(scene.stage, kind="none"))
    without, _, _ = run(order("plaster-podium", scene=bare))

    assert result.fidelity["delta_e_mean"] < 0.5
    assert result.fidelity["silhouette_iou"] > 0.995
    assert math.isclose(
        result.fidelity["silhouette_iou"], without.fidelity["silhouette_iou"], abs_tol=0.005
    )
