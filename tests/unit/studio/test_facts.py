"""What was measured, in words."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from apps.catalog.cutouts import needs_look
from apps.studio.facts import (
    facts_of,
    failure_sentence,
    warning_sentence,
    warnings_of,
)
from gpu_workers import errors

WHITE = {"name": "amazon-main", "exact_white": True, "fill": 0.87}
GOOD = {"delta_e_mean": 0.4, "delta_e_p99": 2.0, "silhouette_iou": 0.99}


def fact(label, *, checks=None, output=None, confidence=None, fidelity=None):
    facts = facts_of(
        file={"name": "x", "checks": checks or {}},
        output=output,
        confidence=confidence,
        fidelity=fidelity or {},
    )
    return next((entry for entry in facts if entry.label == label), None)


@pytest.mark.parametrize(
    ("share", "warnings", "value", "tone"),
    [
        (1.0, [], "100 %", "success"),
        (0.9984, [], "99.84 %, rest at the edge", "success"),
        (0.9984, ["background_not_white"], "99.84 %", "danger"),
        (0.999999, ["background_not_white"], "99.99 %", "danger"),
    ],
)
def test_white_is_white_only_if_the_workers_say_so(share, warnings, value, tone):
    found = fact(
        "White background", checks={"white_share": share, "warnings": warnings}, output=WHITE
    )

    assert (found.value, found.tone) == (value, tone)


def test_nothing_is_said_of_white_where_nobody_demands_it():
    assert fact("White background", checks={"white_share": 0.2}, output={"name": "shopify"}) is None


@pytest.mark.parametrize(
    ("fill", "value", "tone"),
    [
        (0.87, "87 % of 87 %", "success"),
        (0.85, "85 % of 87 %", "success"),
        (0.8, "80 % of 87 %", "warning"),
        (0.95, "95 % of 87 %", "warning"),
    ],
)
def test_fill_is_compared_with_what_the_channel_prescribes(fill, value, tone):
    found = fact("Fill", checks={"fill": fill}, output=WHITE)

    assert (found.value, found.tone) == (value, tone)


def test_fill_is_only_stated_where_nothing_is_prescribed():
    found = fact("Fill", checks={"fill": 0.6}, output={"name": "shopify", "fill": None})

    assert (found.value, found.tone) == ("60 %", "neutral")


@pytest.mark.parametrize(("mean", "tone"), [(0.4, "success"), (2.0, "success"), (3.1, "warning")])
def test_color_is_faithful_up_to_what_people_notice(mean, tone):
    assert fact("Color ΔE", fidelity={**GOOD, "delta_e_mean": mean}).tone == tone


@pytest.mark.parametrize(
    ("confidence", "asks"), [(None, False), (0.0, True), (0.59, True), (0.6, False), (1.0, False)]
)
def test_a_person_looks_below_sixty_percent(confidence, asks):
    assert needs_look(confidence) is asks


def test_what_was_not_measured_is_not_shown():
    assert facts_of(file=None, output=None, confidence=None, fidelity={}) == ()


def test_a_warning_of_several_files_is_told_once():
    files = [
        {"name": "a", "checks": {"warnings": ["low_confidence", "enlarged"]}},
        {"name": "b", "checks": {"warnings": ["low_confidence"]}},
        {"name": "cutout"},
    ]

    assert warnings_of(files) == (
        "Please check the edge of the product",
        warning_sentence("enlarged"),
    )


def test_an_unknown_warning_is_still_readable():
    assert warning_sentence("too_dark") == "too dark"


def test_every_failure_of_the_workers_has_a_sentence_with_a_cure():
    generic = failure_sentence("something.new")
    leaves = [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.WorkerError)
        and kind not in (errors.WorkerError, errors.OrderError)
    ]
    assert leaves
    for kind in leaves:
        assert failure_sentence(kind.code) != generic, kind.code


def test_every_warning_of_the_workers_has_a_sentence():
    root = Path(errors.__file__).parent / "pipelines"
    lines = [line for path in root.glob("*.py") for line in path.read_text().splitlines()]
    told = [line for line in lines if re.search(r"[Ww]arn|WARN|found\.append|unsure =", line)]
    codes = {code for line in told for code in re.findall(r'"([a-z]+(?:_[a-z]+)+)"', line)}
    assert {"low_confidence", "body_cut_away", "design_cropped", "display_reduced"} <= codes
    for code in codes:
        assert warning_sentence(code) != code.replace("_", " "), code
