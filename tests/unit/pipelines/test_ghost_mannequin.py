"""Ghost mannequins: what is made, what is proven, what is said."""

from __future__ import annotations

import numpy as np
import pytest

from tests.fakes.garments import tee, worn
from tests.unit.pipelines.kinds import make, png, scene, warnings_of

OPEN = tee(360, half_torso=0.2)
FLAT = tee(360, half_torso=0.2, open_neck=False)
SIZE = (260, 260)


def test_an_open_neck_is_filled_and_only_that_counts_as_made():
    result, picture = make(scene("ghost-white"), OPEN.png(), size=SIZE)

    empty, hollow = make(scene("ghost-white"), FLAT.png(), size=SIZE)
    assert result.files[0].checks["neck"] == "built"
    assert 0.01 < result.fidelity["made_share"] < 0.08
    assert result.fidelity["delta_e_mean"] < 0.4
    assert result.fidelity["silhouette_iou"] > 0.98
    assert result.files[0].checks["white_share"] == 1
    assert warnings_of(result) == []
    # In the neck the inside, darker than the cloth below.
    columns = slice(125, 135)
    rows = np.flatnonzero((picture[:, 130] < 250).any(axis=1))
    neck = picture[rows[0] + 8 : rows[0] + 16, columns].mean()
    assert neck < picture[150:160, columns].mean() - 25
    assert "made_share" not in empty.fidelity
    assert empty.files[0].checks["neck"] == "photographed"
    assert hollow.shape == picture.shape


def test_a_photo_of_the_inside_is_used():
    pixels = FLAT.pixels.copy()
    row, column = round(FLAT.collar_row), round(FLAT.axis)
    pixels[row + 2 : row + 14, column - 12 : column + 12, :3] = (200, 30, 30)

    result, picture = make(
        scene("ghost-white"), OPEN.png(), size=SIZE, others={"back": png(pixels)}
    )

    assert result.files[0].checks["neck"] == "back_photo"
    assert warnings_of(result) == []
    red = (picture[..., 0] > picture[..., 1].astype(int) + 60).sum()
    assert red > 40


@pytest.mark.parametrize("case", ["closed", "speck"])
def test_a_photo_of_the_inside_that_is_no_use_is_told(case):
    pixels = np.zeros((200, 200, 4), np.uint8)
    pixels[95:105, 40:160] = 255
    inside = FLAT.png() if case == "closed" else png(pixels)
    front = FLAT if case == "closed" else OPEN

    result, _ = make(scene("ghost-white"), front.png(), size=SIZE, others={"back": inside})

    assert "back_not_used" in warnings_of(result)


def test_a_wearer_is_cut_away_and_a_person_is_asked_to_look():
    photo, matte = worn(OPEN)
    source = png(np.dstack([photo, (matte * 255).astype(np.uint8)]))

    result, picture = make(scene("ghost-white"), source, size=SIZE)
    kept, dressed = make(scene("ghost-white", remove_body=False), source, size=SIZE)
    plain, _ = make(scene("ghost-white", cuffs=False), source, size=SIZE)

    def skin(pixels: np.ndarray) -> int:
        return int((pixels[..., 0] > pixels[..., 2].astype(int) + 25).sum())

    assert result.files[0].checks["body"] == "cut_away"
    assert "body_cut_away" in warnings_of(result)
    assert skin(dressed) > 400
    assert skin(picture) < 0.03 * skin(dressed)
    assert "body" not in kept.files[0].checks
    assert plain.fidelity["made_share"] < result.fidelity["made_share"]


def test_a_collar_at_the_frame_gets_room_above():
    shirt = tee(360, half_torso=0.2, top=0.0)

    result, picture = make(scene("ghost-white"), shirt.png(), size=SIZE)

    assert result.files[0].checks["neck"] == "built"
    assert result.fidelity["silhouette_iou"] > 0.98
    assert (picture[0] == 255).all()


def test_what_is_no_garment_is_shown_as_it_is_and_that_is_told():
    pixels = np.zeros((200, 200, 4), np.uint8)
    pixels[95:105, 40:160] = (120, 60, 40, 255)

    result, _ = make(scene("ghost-white"), png(pixels), size=SIZE)

    assert warnings_of(result)[-1:] == ["garment_not_found"]
    assert result.fidelity["delta_e_mean"] < 0.5


def test_the_studio_shows_a_shadow_on_the_wall():
    _, picture = make(scene("ghost-studio"), OPEN.png(), size=SIZE)

    assert picture[250:, 100:160].mean() < picture[:10].mean() - 3
