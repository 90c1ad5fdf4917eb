"""Where the points of a picture lie on a print area."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gpu_workers.errors import OrderInvalid
from gpu_workers.imaging.print_surface import Bent, Cylinder, Plane, Shape, homography

shares = st.floats(0.02, 0.98)
small = st.floats(-0.12, 0.12)

CUP = Cylinder(
    eye=(1.0, 18.0, 58.0),
    target=(1.0, 5.0, 0.0),
    fov_deg=16.0,
    radius=4.1,
    center_deg=10.0,
    half_deg=100.0,
    low=1.0,
    high=9.0,
)


@given(moves=st.lists(small, min_size=8, max_size=8), u=shares, v=shares)
def test_a_plane_leads_back_to_where_a_point_came_from(moves, u, v):
    corners = tuple(np.add((0.2, 0.2, 0.8, 0.2, 0.8, 0.8, 0.2, 0.8), moves))
    x, y, depth = homography(corners) @ (u, v, 1.0)

    found_u, found_v = Plane(corners).coordinates(np.array([x / depth]), np.array([y / depth]))

    assert found_u[0] == pytest.approx(u, abs=1e-9)
    assert found_v[0] == pytest.approx(v, abs=1e-9)


@pytest.mark.parametrize(
    "corners",
    [
        (0.1, 0.1, 0.9, 0.1, 0.9, 0.9),
        (0.1, 0.1, 0.9, 0.1, 0.1, 0.9, 0.9, 0.9),
        (0.1, 0.1, 0.1, 0.9, 0.9, 0.9, 0.9, 0.1),
        (0.1, 0.1, 0.5, 0.1, 0.9, 0.1, 0.5, 0.9),
    ],
    ids=["three", "crossed", "counterclockwise", "in-line"],
)
def test_corners_that_are_none_are_refused_with_the_cure(corners):
    with pytest.raises(OrderInvalid, match="corner"):
        homography(corners)


@given(u=st.floats(0.2, 0.7), v=shares)
def test_a_cylinder_leads_back_to_where_a_point_came_from(u, v):
    x, y = CUP.place(u, v)

    found_u, found_v = CUP.coordinates(np.array([x]), np.array([y]))

    assert found_u[0] == pytest.approx(u, abs=1e-9)
    assert found_v[0] == pytest.approx(v, abs=1e-9)


def test_a_cylinder_seen_from_far_is_an_arcsine():
    far = Cylinder((0, 5, 1e5), (0, 5, 0), math.degrees(2e-4), 12.0, 0.0, 90.0, 0.0, 10.0)
    x = np.array([0.4, 0.5, 0.62])

    u, v = far.coordinates(x, np.full(3, 0.5))

    across = (2 * x - 1) * math.tan(1e-4) * 1e5 / 12.0
    assert u == pytest.approx(0.5 + np.arcsin(across) / math.pi, abs=1e-4)
    assert v == pytest.approx([0.5, 0.5, 0.5], abs=1e-3)


def test_the_back_of_a_cylinder_and_what_lies_beside_it_are_not_seen():
    x, y = np.meshgrid(np.linspace(0, 1, 41), np.linspace(0, 1, 41))

    u, _ = CUP.coordinates(x, y)

    turn = (u - 0.5) * 2 * CUP.half_deg + CUP.center_deg
    assert np.isnan(u[:, 0]).all()
    assert np.nanmax(np.abs(turn)) < 90


@given(half=st.floats(15, 85), bow=st.floats(-0.3, 0.3))
def test_a_bent_area_keeps_its_corners_and_sags_in_its_middle(half, bow):
    corners = (0.2, 0.3, 0.8, 0.3, 0.8, 0.7, 0.2, 0.7)
    bent = Bent(corners, half, bow)

    u, v = bent.coordinates(np.array([0.2001, 0.7999, 0.5]), np.array([0.3, 0.7, 0.3 + 0.4 * bow]))

    assert u == pytest.approx([0, 1, 0.5], abs=0.03)
    assert v == pytest.approx([0, 1, 0], abs=0.03)


@given(
    width=st.floats(2, 30),
    height=st.floats(2, 30),
    corner=st.floats(0, 0.9),
    step=st.floats(60, 90),
)
def test_the_outline_of_an_area_has_the_area_it_should_have(width, height, corner, step):
    assume(0.2 < width / height < 5)
    shape = Shape(width, height, corner)
    u, v = np.meshgrid(np.linspace(-0.1, 1.1, int(step)), np.linspace(-0.1, 1.1, int(step)))

    covered = shape.inside(u, v)

    cell = (1.2 / (int(step) - 1)) ** 2 * width * height
    assert covered.sum() * cell == pytest.approx(
        width * height - (4 - math.pi) * corner**2, rel=0.02
    )


def test_a_hole_stays_free():
    shape = Shape(10, 10, hole=(2, 2, 3, 3, 0.5))
    u, v = np.meshgrid(np.linspace(0, 1, 101), np.linspace(0, 1, 101))

    covered = shape.inside(u, v)

    assert covered[35, 35] == 0
    assert covered[70, 70] == 1
