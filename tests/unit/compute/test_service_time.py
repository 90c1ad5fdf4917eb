"""Service times are learned: from a prior, by completions, with a fading memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.compute.policy.service_time import BUCKETS, Learned, Prior, estimate, learn, prior_for

PRIOR = Prior(p50=1.0, p90=3.0)


def taught(times: list[float], known: Learned | None = None) -> Learned:
    known = known or Learned()
    for seconds in times:
        known = learn(known, seconds)
    return known


def test_before_any_completion_the_prior_is_the_estimate() -> None:
    found = estimate(Learned(), PRIOR)

    # Buckets are 19 % wide and read by interpolation.
    assert found.p50 == pytest.approx(1.0, rel=0.03)
    assert found.p90 == pytest.approx(3.0, rel=0.03)


def test_after_fifty_completions_the_prior_is_forgotten() -> None:
    rng = np.random.default_rng(7)
    times = list(rng.lognormal(np.log(0.2), 0.5, 400))

    found = estimate(taught(times), Prior(100.0, 300.0))

    # The median of 400 draws has a standard error of about 3 %, a bucket adds up to 9 %.
    assert found.p50 == pytest.approx(0.2, rel=0.15)
    assert found.p90 == pytest.approx(0.2 * np.exp(0.5 * 1.2816), rel=0.2)


def test_an_estimate_gives_way_step_by_step() -> None:
    steps = [estimate(taught([0.1] * n), PRIOR).p50 for n in range(0, 60, 5)]

    assert steps == sorted(steps, reverse=True)
    assert steps[-1] == pytest.approx(0.1, rel=0.19)


def test_old_completions_fade() -> None:
    slow_then_fast = taught([0.5] * 600, taught([8.0] * 600))

    assert estimate(slow_then_fast, PRIOR).p50 == pytest.approx(0.5, rel=0.19)


@settings(deadline=None)
@given(st.lists(st.floats(1e-6, 1e6), max_size=80))
def test_quantiles_are_positive_and_ordered(times: list[float]) -> None:
    found = estimate(taught(times), PRIOR)

    assert 0 < found.p50 <= found.p90


@settings(deadline=None)
@given(st.floats(0.01, 1000.0))
def test_one_value_is_found_again_within_a_bucket(seconds: float) -> None:
    found = estimate(taught([seconds] * 50), PRIOR)

    assert found.p50 == pytest.approx(seconds, rel=0.19)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_a_time_that_is_none_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="not above 0"):
        learn(Learned(), seconds)


def test_a_histogram_of_another_shape_starts_afresh() -> None:
    known = learn(Learned(7, (1.0, 2.0)), 1.0)

    assert len(known.histogram) == BUCKETS
    assert sum(known.histogram) == pytest.approx(1.0)


def test_work_of_twice_the_units_takes_twice_as_long() -> None:
    one = estimate(Learned(), prior_for("classical", "cpu"))

    assert one.times(2.0).p90 == 2 * one.p90
