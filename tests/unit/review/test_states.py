"""How a review moves."""

from __future__ import annotations

import itertools

import pytest

from apps.core.errors import ConflictError, InvalidError
from apps.review.models import Review, Verdict
from apps.review.states import (
    QUICK_REASONS,
    REASONS,
    Action,
    State,
    checked_reason,
    next_state,
)

ALLOWED = {
    ("pending", "approve"): "approved",
    ("pending", "reject"): "rejected",
    ("approved", "undo"): "pending",
    ("rejected", "undo"): "pending",
}


@pytest.mark.parametrize(("step", "target"), ALLOWED.items())
def test_a_review_moves_as_the_table_says(step, target):
    assert next_state(*step) == target


@pytest.mark.parametrize("step", sorted(set(itertools.product(State, Action)) - set(ALLOWED)))
def test_every_other_step_is_a_conflict(step):
    with pytest.raises(ConflictError):
        next_state(*step)


def test_a_second_verdict_says_what_the_first_was():
    with pytest.raises(ConflictError) as conflict:
        next_state("approved", "reject")

    assert conflict.value.code == "review.already_decided"
    assert conflict.value.data["state"] == "approved"
    assert "Undo" in conflict.value.message


def test_states_and_actions_are_those_of_the_models():
    assert {state.value for state in State} == set(Review.State.values)
    assert {action.value for action in Action} == set(Verdict.Action.values)


def test_reasons_split_into_fidelity_and_taste():
    families = {code: reason.family for code, reason in REASONS.items()}

    assert families["color_shift"] == families["label_text_wrong"] == "fidelity"
    assert families["crop"] == families["off_brand"] == "taste"
    assert set(families.values()) == {"fidelity", "taste"}


def test_six_reasons_have_a_key_and_the_last_of_them_is_other():
    assert len(QUICK_REASONS) == 6
    assert QUICK_REASONS[-1].code == "other"


def test_reason_codes_fit_their_column():
    assert max(len(code) for code in REASONS) <= 40


def test_an_unknown_reason_is_refused_with_the_list():
    with pytest.raises(InvalidError) as refusal:
        checked_reason("ugly")

    assert refusal.value.code == "review.reason_unknown"
    assert "cutout_edge" in refusal.value.message
