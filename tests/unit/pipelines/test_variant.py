"""Color variants: the right part, the right color, and what is said about it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as Pillow

from gpu_workers.errors import OrderInvalid, SourceUnusable
from tests.fakes.garments import tee
from tests.unit.pipelines.kinds import make, png, scene, warnings_of

SHIRT = tee(300, color=(150, 152, 158), open_neck=False)


def printed() -> bytes:
    pixels = SHIRT.pixels.copy()
    pixels[130:170, 130:170, :3] = (200, 40, 30)
    return png(pixels)


def color_at(picture: np.ndarray, row: int, column: int) -> np.ndarray:
    return np.median(picture[row - 3 : row + 4, column - 3 : column + 4, :3].reshape(-1, 3), axis=0)


def test_the_cloth_takes_the_color_and_the_print_stays():
    result, picture = make(scene("variant-blue"), printed())

    plain = make(scene("variant-blue", region="product"), printed())[1]
    assert color_at(picture, 60, 100) == pytest.approx((0x2F, 0x5D, 0x9B), abs=14)
    assert color_at(picture, 100, 100) == pytest.approx((200, 40, 30), abs=3)
    assert color_at(plain, 100, 100)[2] > color_at(plain, 100, 100)[0]
    assert result.files[0].checks["color_delta_e"] <= 2
    assert result.files[0].checks["target_color"] == "#2f5d9b"
    assert warnings_of(result) == []
    # What was dyed is told, what was not is proven.
    assert 0.8 < result.fidelity["made_share"] < 0.99
    assert result.fidelity["delta_e_mean"] < 0.5


def test_the_text_target_wins_over_the_template():
    _, picture = make(scene("variant-blue"), printed(), texts={"target": "#B3282D"})

    assert color_at(picture, 60, 100) == pytest.approx((0xB3, 0x28, 0x2D), abs=14)


def test_the_print_is_named_by_its_color():
    what = scene("variant-blue", source="#d03020")

    _, picture = make(what, printed())

    assert color_at(picture, 60, 100) == pytest.approx((150, 152, 158), abs=16)
    assert color_at(picture, 100, 100) == pytest.approx((0x2F, 0x5D, 0x9B), abs=14)


def test_a_mask_says_which_part():
    mask = np.zeros((150, 150), np.uint8)
    mask[:, :75] = 255
    what = scene("variant-blue", region="mask")

    result, picture = make(what, SHIRT.png(), others={"region": png(mask)})

    left, right = color_at(picture, 100, 80), color_at(picture, 100, 120)
    assert left[2] - left[0] > 60
    assert abs(right[2] - right[0]) < 20
    assert result.files[0].checks["recolored_share"] == pytest.approx(0.5, abs=0.05)


def test_a_mask_beside_the_product_is_refused_with_the_cure():
    mask = np.zeros((150, 150), np.uint8)
    mask[:5, :5] = 255

    with pytest.raises(SourceUnusable, match="paint the mask over the product"):
        make(scene("variant-blue", region="mask"), SHIRT.png(), others={"region": png(mask)})


def test_a_missing_mask_and_a_wrong_color_are_refused():
    with pytest.raises(OrderInvalid, match="role 'region'"):
        make(scene("variant-blue", region="mask"), SHIRT.png())
    with pytest.raises(OrderInvalid, match="#rrggbb"):
        make(scene("variant-blue"), SHIRT.png(), texts={"target": "red"})


def test_what_misses_the_target_is_flagged():
    patches = SHIRT.pixels.copy()
    colors = np.random.default_rng(2).integers(0, 255, (10, 10, 3)).astype(np.uint8)
    checks = np.asarray(Pillow.fromarray(colors).resize((300, 300), Pillow.Resampling.NEAREST))
    patches[..., :3] = checks
    what = scene("variant-blue", region="product", delta_e=1.5)

    result, _ = make(what, png(patches))

    assert result.files[0].checks["color_delta_e"] > 1.5
    assert "color_not_reached" in warnings_of(result)
