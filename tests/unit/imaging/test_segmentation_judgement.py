"""What is measured on a guess at the mask, which one is chosen and how sure that is."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_workers.imaging.segmentation.background import fit_backdrop, to_lab
from gpu_workers.imaging.segmentation.confidence import SURE, Choice, choose
from gpu_workers.imaging.segmentation.evidence import read_evidence
from gpu_workers.imaging.segmentation.hypotheses import Hypothesis, read_saliency, separation
from gpu_workers.imaging.segmentation.judgement import (
    WEIGHTS,
    consensus,
    expected_overlap,
    measure,
    read_scene,
)

SIDE = 240


def disc(center, radius):
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.circle(mask, center, radius, 1, -1)
    return mask.astype(bool)


def likelihood_of(mask):
    """As coarse and as sure as the network is."""
    return cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 2)


PRODUCT = disc((120, 125), 60)


@pytest.fixture(scope="module")
def scene():
    noise = np.random.default_rng(3).normal(0, 1.2, (SIDE, SIDE, 3))
    picture = np.full((SIDE, SIDE, 3), (225.0, 224.0, 220.0)) + noise
    picture[PRODUCT] = (160, 50, 40)
    photo = np.clip(picture, 0, 255).astype(np.uint8)
    lab = to_lab(photo)
    backdrop = fit_backdrop(lab)
    saliency = read_saliency(lab, likelihood_of(PRODUCT))
    return read_scene(lab, backdrop, saliency, read_evidence(photo, lab, backdrop))


def guesses(*masks):
    return [Hypothesis(f"guess {number}", mask) for number, mask in enumerate(masks)]


@pytest.mark.parametrize(
    "wrong",
    [disc((120, 125), 35), disc((120, 125), 85), disc((70, 60), 55)],
    ids=["part", "too much", "elsewhere"],
)
def test_the_whole_product_is_expected_to_overlap_more_than_anything_else(scene, wrong):
    right, other = (expected_overlap(measure(mask, scene)) for mask in (PRODUCT, wrong))

    assert right > other + 0.05


def test_every_weight_has_its_measure_on_a_plain_backdrop(scene):
    measured = measure(PRODUCT, scene) | consensus(np.array([1.0, 0.5, 0.4, 0.3]))

    assert {weight.name for weight in WEIGHTS} <= measured.keys()


@given(st.dictionaries(st.sampled_from([weight.name for weight in WEIGHTS]), st.floats(-9, 9)))
def test_an_odd_picture_cannot_run_away_with_the_expectation(measures):
    assert 0 <= expected_overlap(measures) <= 1


def test_the_best_guess_is_chosen_and_sure_where_the_others_agree(scene):
    choice = choose(guesses(disc((70, 60), 40), PRODUCT, disc((121, 125), 60)), scene)

    assert choice.name == "guess 1"
    assert choice.confidence >= SURE


def test_a_guess_that_only_edges_speak_for_is_not_sure_without_a_second_opinion(scene):
    alone = [Hypothesis("outline", PRODUCT, is_outlined=True), *guesses(disc((70, 60), 40))]

    choice = choose(alone, scene)

    assert choice.is_outlined
    assert choice.confidence < SURE


def test_of_two_equally_good_guesses_the_one_by_color_is_taken(scene):
    outline = Hypothesis("outline", disc((121, 125), 60), is_outlined=True)

    choice = choose([outline, *guesses(PRODUCT)], scene)

    assert choice.name == "guess 0"


def test_a_network_that_sees_something_else_takes_from_expectation_and_confidence(scene):
    elsewhere = replace(scene, likely=likelihood_of(disc((120, 40), 60)))
    both = [choose(guesses(PRODUCT, disc((121, 125), 60)), each) for each in (scene, elsewhere)]

    assert both[0].score > both[1].score + 0.1
    assert both[0].confidence >= SURE > both[1].confidence


def test_of_two_guesses_that_look_alike_the_network_knows_the_product(scene):
    twins = [disc((70, 120), 40), disc((170, 120), 40)]
    for wanted in range(2):
        told = replace(scene, likely=likelihood_of(twins[wanted]))
        assert choose(guesses(*twins), told).name == f"guess {wanted}"


def test_a_coarse_edge_is_no_difference(scene):
    finer = measure(disc((120, 125), 62), scene)
    larger = measure(disc((120, 125), 85), scene)

    assert finer["differs from likely"] == 0
    assert larger["differs from likely"] > 0.3
    assert finer["fits the likely"] > larger["fits the likely"]


def test_masks_too_small_or_too_large_for_a_product_are_no_choice(scene):
    assert choose(guesses(disc((120, 120), 2), np.ones((SIDE, SIDE), bool)), scene) is None


@given(st.floats(0, 1))
def test_confidence_grows_with_agreement_and_stays_within_bounds(agreement):
    here, above = (
        Choice("", PRODUCT, score=0.9, agreement=each).confidence
        for each in (agreement, min(1.0, agreement + 0.1))
    )

    assert 0 <= here <= above <= 1


def test_consensus_reads_the_mean_and_the_third_nearest():
    agreed = consensus(np.array([0.2, 1.0, 0.6, 0.8]))

    assert agreed == {
        "agrees with all": pytest.approx(1.6 / 3),
        "agrees with three": pytest.approx(0.2),
    }


def test_equal_colors_on_both_sides_of_an_edge_do_not_separate(scene):
    assert separation(PRODUCT, scene.lab) > 0.8
    assert separation(disc((40, 40), 20), scene.lab) < 0.3
