"""Requests to the retouch process: read as they were sent, and refused by their form."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_workers.errors import OrderInvalid
from gpu_workers.retouch_protocol import (
    REQUEST_BYTES,
    RetouchRequest,
    is_request_id,
    request_from_json,
)
from gpu_workers.retouch_steps import (
    LARGEST_RADIUS,
    LEAST_RADIUS,
    MOST_POINTS,
    MOST_STEPS,
    Step,
    steps_from_json,
)

shares = st.floats(0, 1)
strokes = st.builds(
    Step,
    st.sampled_from(["keep", "remove"]),
    st.lists(st.tuples(shares, shares), min_size=1, max_size=5).map(tuple),
    st.floats(LEAST_RADIUS, LARGEST_RADIUS),
)
outlines = st.builds(
    Step, st.just("outline"), st.lists(st.tuples(shares, shares), min_size=3, max_size=6).map(tuple)
)
requests = st.builds(
    RetouchRequest,
    st.sampled_from(["open", "alternatives", "strokes"]),
    st.just("photos/a/b/photo.jpg"),
    st.just("photos/a/b/cutout-0.png"),
    start=st.sampled_from(["current", "plain/edges 2"]),
    steps=st.lists(strokes | outlines, max_size=3).map(tuple),
)


@given(requests)
def test_a_request_arrives_as_it_was_sent(request):
    assert request_from_json(request.to_json()) == request


def step(**changes):
    return {"tool": "keep", "radius": 0.02, "points": [[0.1, 0.2]], **changes}


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ("keep", "a list expected"),
        ([7], "step 1: an object expected"),
        ([step(tool="erase")], "step 1: tool is none of keep, remove, outline"),
        ([step(), step(points=[])], "step 2: at least 1 points"),
        ([step(points="ab")], "points: a list expected"),
        ([step(points=[[0.1]])], r"each point is \[x, y\]"),
        ([step(points=[[0.1, 1.01]])], "a coordinate within 0 to 1"),
        ([step(points=[[0.1, float("nan")]])], "a coordinate within 0 to 1"),
        ([step(points=[[True, 0.1]])], "a coordinate within 0 to 1"),
        ([step(points=[["0.1", 0.1]])], "a coordinate within 0 to 1"),
        ([step(radius=0)], "radius within"),
        ([step(radius=None)], "radius within"),
        ([step(radius=10**400)], "radius within"),
        ([step(tool="outline", points=[[0, 0], [1, 1]])], "at least 3 points"),
        ([step()] * (MOST_STEPS + 1), "keep the cutout"),
        ([step(points=[[0.5, 0.5]] * (MOST_POINTS // 2 + 1))] * 2, "keep the cutout first"),
    ],
)
def test_steps_of_another_form_are_refused_with_their_place(steps, message):
    with pytest.raises(OrderInvalid, match=message):
        steps_from_json(steps)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "version 1"),
        ({"do": "system"}, "does one of open, alternatives, strokes, keep"),
        ({"photo_key": 7}, "photo_key: a text"),
        ({"start": "../x"}, "start: the name"),
        ({"start": ["current"]}, "start: the name"),
        ({"do": "keep"}, "to_key: a key"),
        ({"steps": {"tool": "keep"}}, "steps: a list"),
    ],
)
def test_requests_of_another_form_are_refused(changes, message):
    body = json.loads(RetouchRequest("open", "p", "c").to_json()) | changes

    with pytest.raises(OrderInvalid, match=message):
        request_from_json(json.dumps(body))


@pytest.mark.parametrize("text", ["", "[]", "7", "{", "null", " " * (REQUEST_BYTES + 1)])
def test_what_is_no_request_is_refused(text):
    with pytest.raises(OrderInvalid):
        request_from_json(text)


def test_the_longest_drawing_fits_into_a_request():
    points = ((0.1234, 0.5678),) * (MOST_POINTS // MOST_STEPS)
    steps = (Step("keep", points, 0.0123),) * MOST_STEPS

    assert request_from_json(RetouchRequest("strokes", "p", "c", steps=steps).to_json())


def test_only_ids_of_ours_are_looked_up():
    assert is_request_id("0123456789abcdef" * 2)
    assert not any(map(is_request_id, ["", "x" * 32, "a" * 31, "a" * 32 + "\n", "A" * 32]))
