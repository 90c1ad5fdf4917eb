"""How far a network's mask can be trusted: rules, without a network."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_workers.imaging.segmentation.confidence import SURE, Choice
from gpu_workers.imaging.segmentation.second_opinion import Opinion, weigh

SIDE = 120


def box(top=30, bottom=90, left=40, right=80):
    mask = np.zeros((SIDE, SIDE), bool)
    mask[top:bottom, left:right] = True
    return mask


def guess(mask, *, score=0.9, agreement=0.95):
    """What the classical segmenter chose on a plain backdrop."""
    return Choice("plain", mask, score, agreement, True)


def soft(mask, value=1.0):
    return mask.astype(np.float32) * np.float32(value)


def test_two_that_agree_are_trusted():
    assert weigh(soft(box()), guess(box())).confidence > 0.95


def test_a_sure_guess_that_sees_another_thing_asks_for_a_look():
    opinion = weigh(soft(box()), guess(box(left=5, right=35)))

    assert opinion.agreement == 0
    assert opinion.confidence < 0.1


def test_a_lost_handle_counts_more_than_an_edge_that_is_off():
    """Both differ by the same area; one is spread along the edge, the other is a piece."""
    body = box()
    rim = box(31, 89, 41, 79)
    lost = int(body.sum() - rim.sum())
    handle = body.copy()
    handle[60 : 60 + lost // 14, 66:80] = False

    by_edge, by_piece = (weigh(soft(mask), guess(body)) for mask in (rim, handle))

    assert by_edge.agreement == pytest.approx(by_piece.agreement, abs=0.01)
    assert by_piece.confidence < by_edge.confidence


def test_an_unsure_guess_weighs_less():
    elsewhere = box(left=5, right=35)

    unsure = weigh(soft(box()), guess(elsewhere, agreement=0.1))
    sure = weigh(soft(box()), guess(elsewhere))

    assert unsure.witness < 0.2
    assert unsure.confidence > SURE > sure.confidence


def test_a_network_alone_is_judged_by_its_own_decision():
    decided, undecided = weigh(soft(box()), None), weigh(soft(box(), 0.6), None)

    assert decided.agreement is None
    assert decided.confidence > SURE > undecided.confidence


@pytest.mark.parametrize("mask", [np.zeros((SIDE, SIDE), bool), box(50, 53, 50, 53)])
def test_nothing_and_a_speck_are_no_product(mask):
    assert weigh(soft(mask), guess(box())) is None


def test_the_whole_frame_is_no_product_to_be_trusted():
    whole = np.ones((SIDE, SIDE), bool)

    assert weigh(soft(whole), guess(whole)).confidence == 0


def test_haze_over_the_backdrop_is_no_doubt():
    hazy = np.maximum(soft(box()), np.float32(0.15))

    assert weigh(hazy, guess(box())).confidence > 0.95


def test_specks_are_dropped_and_pinholes_filled():
    mask = box()
    mask[60, 60] = False
    mask[3:5, 3:5] = True

    np.testing.assert_array_equal(weigh(soft(mask), None).mask, box())


shares = st.floats(0, 1)


@given(shares, shares, shares, shares, shares, shares)
def test_more_agreement_never_means_less_confidence(area, decided, low, high, piece, witness):
    low, high = sorted((low, high))

    def confidence(agreement):
        return Opinion(np.ones((1, 1), bool), area, decided, agreement, piece, witness).confidence

    assert 0 <= confidence(low) <= confidence(high) <= 1


@given(shares, shares, shares, st.floats(0, 9), shares, shares)
def test_a_witness_that_is_believed_more_never_raises_confidence(
    area, decided, agreement, piece, low, high
):
    low, high = sorted((low, high))

    def confidence(witness):
        return Opinion(np.ones((1, 1), bool), area, decided, agreement, piece, witness).confidence

    assert confidence(high) <= confidence(low)
