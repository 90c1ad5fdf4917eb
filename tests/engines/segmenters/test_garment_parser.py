"""Garments told apart by a hand-made network in the place of rembg's cloth network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gpu_workers.engines.garment_parser import garment_parser
from gpu_workers.errors import EngineError, ModelRefused, SourceUnusable
from tests.engines.segmenters import networks

CLOTH = "u2net_cloth_seg"


def outfit():
    """Grey wall; a red top above blue trousers that share a border; a green dress apart."""
    photo = np.full((600, 400, 3), 127, np.uint8)
    photo[100:300, 50:200] = (255, 0, 0)
    photo[300:500, 50:200] = (0, 0, 255)
    photo[100:500, 250:370] = (0, 255, 0)
    return photo


@pytest.fixture
def parser(here):
    """Red is upper, green is lower and blue is full for this network."""
    networks.pin(here, u2net_cloth_seg=networks.clothes(here.folder / f"{CLOTH}.onnx"))
    return garment_parser(here)


def test_each_garment_has_its_probability_where_it_is(parser):
    photo = outfit()

    found = parser.parse(photo)

    upper = found.probability("upper", photo.shape[:2])
    assert upper.shape == (600, 400)
    assert upper[200, 120] > 0.95
    assert max(upper[50, 30], upper[400, 120], upper[200, 300]) < 0.05
    assert found.worn == ("lower", "upper", "full")
    assert found.certainty("upper") > 0.95


def test_masks_follow_the_garments_and_never_overlap(parser):
    photo = outfit()
    found = parser.parse(photo)

    masks = {name: found.mask(name, photo.shape[:2]) for name in ("upper", "lower", "full")}

    assert abs(masks["upper"].sum() - 200 * 150) < 600
    assert abs(masks["lower"].sum() - 400 * 120) < 900
    assert not (masks["upper"] & masks["full"]).any()
    assert not (masks["upper"] & masks["lower"]).any()


def test_between_two_classes_no_third_appears(parser):
    """rembg resizes class numbers, so that a border from 1 to 3 passes through 2."""
    photo = outfit()
    found = parser.parse(photo)

    at_the_border = found.mask("lower", photo.shape[:2])[280:320, 60:190]

    assert not at_the_border.any()


def test_probabilities_sum_to_one_at_any_size(parser):
    planes = parser.parse(outfit()).planes

    assert planes.shape == (4, 768, 512)
    np.testing.assert_allclose(planes.sum(axis=0), 1, atol=1e-5)


def test_the_network_gets_values_of_minus_one_to_one(here):
    """With the mean and deviation of ImageNet, red would reach 2.2 and a dark red win over grey."""
    path = networks.clothes(here.folder / f"{CLOTH}.onnx", scores=(1.05, 0, 0, 0))
    networks.pin(here, u2net_cloth_seg=path)

    with pytest.raises(SourceUnusable, match="no garment"):
        garment_parser(here).parse(outfit())


def test_a_photo_without_a_garment_is_refused(parser):
    with pytest.raises(SourceUnusable, match="no garment"):
        parser.parse(np.full((300, 300, 3), 90, np.uint8))


def test_a_network_with_other_classes_is_refused(here):
    path = networks.brightness(here.folder / f"{CLOTH}.onnx", side=768)
    networks.pin(here, u2net_cloth_seg=path)

    with pytest.raises(EngineError, match="1 classes, not 4"):
        garment_parser(here).parse(outfit())


def test_the_parser_needs_the_operators_word(here):
    with pytest.raises(ModelRefused, match=f"PACKSHOT_ALLOW_MODELS={CLOTH}"):
        garment_parser(replace(here, allowed=frozenset()))
