"""The geometry of charts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.charts import Series, chart, scale


@given(st.floats(min_value=0.001, max_value=1e9), st.booleans())
def test_a_scale_is_round_even_and_reaches_the_highest_number(highest: float, whole: bool) -> None:
    ticks = scale(highest, whole=whole)

    assert ticks[0] == 0
    assert ticks[-1] >= highest * 0.999
    assert 2 <= len(ticks) <= 6
    if whole:
        assert all(tick == round(tick) for tick in ticks)


def test_a_gap_in_the_numbers_is_a_gap_in_the_line() -> None:
    drawn = chart(
        title="Workers", labels="abc", series=[Series("now", (1.0, None, 2.0), shape="step")]
    )

    assert drawn.strokes[0].path.count("M") == 2
    assert drawn.columns[1].words == "b: –"


def test_an_area_is_closed_along_the_ground() -> None:
    drawn = chart(
        title="Work", labels="abc", series=[Series("work", (1.0, None, 2.0), shape="area")]
    )

    path = drawn.strokes[0].path
    assert path.startswith("M0 100L")
    assert path.endswith("V100Z")
    assert path.count("M") == 1


def test_the_limit_lies_inside_the_plot_even_above_all_numbers() -> None:
    drawn = chart(title="Wait", labels="a", series=[Series("p95", (3.0,))], limit=(30, "Target"))

    assert drawn.limit is not None
    assert 0 <= drawn.limit.at <= 100


def test_the_summary_says_where_each_series_is_highest() -> None:
    drawn = chart(
        title="Spend", labels=["Mon", "Tue"], series=[Series("Credits", (3.0, 9.0))], unit="credits"
    )

    assert drawn.summary == "Spend. Credits: highest 9 credits at Tue."


def test_a_series_that_does_not_fit_the_labels_is_refused() -> None:
    with pytest.raises(ValueError, match="2 values for 1 labels"):
        chart(title="x", labels="a", series=[Series("y", (1.0, 2.0))])


def test_nothing_to_draw_is_empty() -> None:
    assert chart(title="x", labels="ab", series=[Series("y", (0.0, 0.0))]).is_empty
