"""Contact and cast shadows, mirror images, the camera they follow from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_workers.imaging.camera import choose_pitch, estimate_pitch, look_at
from gpu_workers.imaging.framing import Box, Placement
from gpu_workers.imaging.reflection import mirror
from gpu_workers.imaging.shadow import find_stance, shadow_map
from gpu_workers.scene_spec import Light

SIDE = 320


def canvas_with(draw) -> np.ndarray:
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    return draw(x, y).astype(np.float32)


def box_matte(left: int = 120, right: int = 200, top: int = 110, bottom: int = 260) -> np.ndarray:
    return canvas_with(lambda x, y: (x >= left) & (x < right) & (y >= top) & (y < bottom))


def ground_under(matte: np.ndarray, pitch: str = "slightly_above"):
    rows, columns = np.flatnonzero(matte.any(1)), np.flatnonzero(matte.any(0))
    box = Box(
        int(columns[0]),
        int(rows[0]),
        int(columns[-1] - columns[0] + 1),
        int(rows[-1] - rows[0] + 1),
    )
    return look_at(Placement(box, box, box, (SIDE, SIDE)), pitch, 0.6, box.bottom)


@given(
    st.floats(-85, 85).filter(lambda angle: abs(angle) > 12),
    st.floats(25, 65),
    st.sampled_from(["front", "slightly_above"]),
)
@settings(max_examples=20, deadline=None)
def test_the_shadow_falls_away_from_the_light(azimuth, elevation, pitch):
    matte = box_matte()
    light = Light(
        azimuth_deg=azimuth,
        elevation_deg=elevation,
        contact_shadow=0,
        cast_shadow=0.6,
        softness=0.4,
    )

    dark = shadow_map(matte, ground_under(matte, pitch), light) * (matte == 0)

    columns = np.arange(SIDE) + 0.5
    moment = float((dark.sum(axis=0) * (columns - 160)).sum())
    assert dark.sum() > 5
    assert np.sign(moment) == -np.sign(azimuth)


def test_light_from_behind_throws_the_shadow_towards_the_camera():
    matte = box_matte()
    ground = ground_under(matte)
    light = Light(azimuth_deg=160, elevation_deg=45, contact_shadow=0, cast_shadow=0.6)

    dark = shadow_map(matte, ground, light)

    assert dark[266:, 120:200].mean() > 0.1
    assert (
        dark[266:].sum() > 5 * shadow_map(matte, ground, replace(light, azimuth_deg=20))[266:].sum()
    )


def test_a_lower_light_throws_a_longer_shadow():
    matte = box_matte()
    ground = ground_under(matte)

    def reach(elevation: float) -> int:
        light = Light(azimuth_deg=-60, elevation_deg=elevation, contact_shadow=0, cast_shadow=0.6)
        dark = shadow_map(matte, ground, light)
        return int(np.flatnonzero((dark > 0.06).any(axis=0))[-1])

    assert reach(30) > reach(60) + 10


def test_a_harder_light_gives_a_sharper_edge():
    matte = box_matte()
    ground = ground_under(matte)

    def steepest(softness: float) -> float:
        light = Light(azimuth_deg=-60, contact_shadow=0, cast_shadow=0.6, softness=softness)
        dark = shadow_map(matte, ground, light) * (matte == 0)
        return float(np.abs(np.diff(dark[:, 205:], axis=0)).max())

    assert steepest(0.05) > 2 * steepest(0.9)


def test_contact_is_darkest_at_the_base_and_fades_outwards():
    matte = box_matte()
    light = Light(contact_shadow=0.8, cast_shadow=0)

    dark = shadow_map(matte, ground_under(matte), light)[260:300, 160]

    assert dark[1] > 0.08
    assert (np.diff(dark[1:]) <= 1e-3).all()
    assert dark[-1] < 0.02


def test_contact_follows_a_slanting_base():
    slanted = canvas_with(
        lambda x, y: (x >= 90) & (x < 230) & (y >= 120) & (y < 230 + (x - 90) * 0.25)
    )
    light = Light(contact_shadow=0.8, cast_shadow=0)

    dark = shadow_map(slanted, ground_under(slanted), light)

    # Right below the base at both ends, though the base lies 25 px higher at the left one.
    assert dark[242 + 3, 130] > 0.1
    assert dark[262 + 3, 210] > 0.1


def test_an_overhang_casts_no_contact_shadow():
    mushroom = canvas_with(
        lambda x, y: (
            ((x >= 60) & (x < 260) & (y >= 80) & (y < 150))
            | ((x >= 140) & (x < 180) & (y >= 150) & (y < 260))
        )
    )

    stance = find_stance(mushroom, "front")

    assert stance.contact[160] > 0.9
    assert stance.contact[80] < 0.05
    assert stance.contact[240] < 0.05


def test_every_foot_of_a_stool_seen_from_above_stands():
    legs = ((100, 240), (160, 262), (215, 244))
    stool = canvas_with(
        lambda x, y: (
            ((x >= 95) & (x < 230) & (y >= 90) & (y < 110))
            | np.any(
                [(x >= at) & (x < at + 9) & (y >= 100) & (y < end) for at, end in legs], axis=0
            )
        )
    )

    stance = find_stance(stool, "slightly_above")

    assert all(stance.contact[at + 4] > 0.5 for at, _ in legs)
    assert all(abs(stance.row[at + 4] - end) < 3 for at, end in legs)
    assert stance.contact[135] < 0.1


def test_without_shadows_nothing_is_dark():
    matte = box_matte()
    light = Light(contact_shadow=0, cast_shadow=0)

    assert shadow_map(matte, ground_under(matte), light).max() == 0


def test_an_empty_canvas_has_no_shadow():
    empty = np.zeros((SIDE, SIDE), np.float32)

    assert shadow_map(empty, ground_under(box_matte()), Light()).max() == 0


def test_shadow_stays_between_none_and_all():
    matte = box_matte()

    dark = shadow_map(matte, ground_under(matte), Light(contact_shadow=1, cast_shadow=1))

    assert dark.min() >= 0
    assert dark.max() <= 1


def test_seen_from_above_the_shadow_lies_all_around_and_more_away_from_the_light():
    matte = box_matte(110, 210, 110, 210)
    light = Light(azimuth_deg=-60, contact_shadow=0.5, cast_shadow=0.4)

    dark = shadow_map(matte, ground_under(matte, "top"), light)

    left, right = dark[160, 107], dark[160, 212]
    assert left > 0.02
    assert right > left * 1.5


def test_the_mirror_image_is_upside_down_below_the_base_and_fades():
    matte = box_matte()
    product = matte[..., None] * np.array([0.2, 0.2, 0.2], np.float32)
    product[240:260, 120:200] = [0.9, 0.1, 0.1]

    layer, opacity = mirror(
        product, matte, ground_under(matte, "front"), strength=0.4, roughness=0.01
    )

    assert opacity[:255].max() < 0.02
    assert layer[264, 160, 0] > 2 * layer[264, 160, 1]
    assert opacity[264, 160] == pytest.approx(0.4, abs=0.08)
    assert opacity[300, 160] < opacity[264, 160]


def test_nothing_is_mirrored_from_straight_above():
    matte = box_matte()
    product = np.repeat(matte[..., None], 3, axis=2)

    _, opacity = mirror(product, matte, ground_under(matte, "top"), strength=0.5, roughness=0.01)

    assert opacity.max() == 0


def test_a_level_base_was_photographed_from_the_front():
    assert estimate_pitch(box_matte()) == "front"


def test_a_rounded_base_was_photographed_from_above():
    jar = canvas_with(
        lambda x, y: (
            (np.abs(x - 160) < 60)
            & (y > 100)
            & (y < 230 + 26 * np.sqrt(np.clip(1 - ((x - 160) / 60) ** 2, 0, 1)))
        )
    )

    assert estimate_pitch(jar) == "slightly_above"


def test_an_empty_matte_is_taken_as_seen_slightly_from_above():
    assert estimate_pitch(np.zeros((20, 20), np.float32)) == "slightly_above"


def test_a_scene_that_accepts_only_one_pitch_gets_it():
    assert choose_pitch("front", ("top",)) == "top"
    assert choose_pitch("front", ("top", "slightly_above")) == "slightly_above"


def test_from_higher_up_the_surface_ends_higher_in_the_picture():
    matte = box_matte()

    assert ground_under(matte, "slightly_above").edge < ground_under(matte, "front").edge
    assert ground_under(matte, "front").edge == pytest.approx(0.6 * SIDE)


def test_depth_is_one_at_the_product_and_grows_behind_it():
    ground = ground_under(box_matte(), "front")

    depth = ground.depth(np.array([ground.edge, ground.base, 310.0]))

    assert depth[1] == pytest.approx(1)
    assert depth[0] > 1 > depth[2]
