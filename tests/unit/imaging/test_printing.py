"""Ink on things: where designs land and what color they have there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_workers.imaging.arrays import to_linear
from gpu_workers.imaging.color import delta_e_2000, from_hex, to_lab
from gpu_workers.imaging.print_surface import Cylinder, Plane, Shape, homography
from gpu_workers.imaging.printing import (
    Layout,
    add_gloss,
    artwork_from,
    cloth_shift,
    color_error,
    cropped_share,
    lay_ink,
    light_of_photo,
    to_artwork,
    warp_print,
)

WHOLE = (0.0, 0.0, 1.0, 1.0)
SQUARE = Plane((0.2, 0.2, 0.8, 0.2, 0.8, 0.8, 0.2, 0.8))
CUP = Cylinder((0.0, 14.0, 60.0), (0.0, 5.0, 0.0), 13.0, 4.0, 0.0, 90.0, 1.0, 9.0)


def checkers(side=320, cells=8):
    at = np.arange(side) * cells // side
    dark = (at[:, None] + at[None, :]) % 2 == 0
    return np.where(dark[..., None], np.uint8(20), np.uint8(235)).repeat(3, axis=2)


def flat(color, size=(40, 40)):
    photo = np.empty((*size, 3), np.uint8)
    photo[:] = color
    return artwork_from(photo, None)


def warped(artwork, surface=SQUARE, shape=None, layout=None, canvas=(200, 200), **more):
    layout, shape = layout or Layout(), shape or Shape(10, 10)
    return warp_print(artwork, surface, shape, layout, window=WHOLE, canvas=canvas, **more)


def test_a_checkerboard_lands_on_the_cylinder_where_the_closed_form_says():
    cells, side = 8, 400
    shape = Shape(4.0 * np.pi, 8.0)
    made = warped(
        artwork_from(checkers(cells=cells), None), CUP, shape, Layout(fit="cover"), (side, side)
    )
    each = max(shape.width, shape.height) / cells

    for u in np.arange(0.28, 0.73, 0.05):
        for v in np.arange(0.08, 0.93, 0.06):
            x, y = CUP.place(u, v)
            across, down = (u - 0.5) * shape.width / each, (v - 0.5) * shape.height / each
            if min(abs(across % 1), abs(down % 1), 1 - across % 1, 1 - down % 1) < 0.15:
                continue
            is_dark = (int(np.floor(across)) + int(np.floor(down))) % 2 == 0
            seen = made.color[int(y * side), int(x * side)].mean()
            assert (seen < 0.4) == is_dark, (u, v)


@given(
    scale=st.floats(0.3, 3),
    offset_x=st.floats(-0.5, 0.5),
    offset_y=st.floats(-0.5, 0.5),
    rotation=st.floats(-180, 180),
    fit=st.sampled_from(["contain", "cover"]),
)
@settings(max_examples=25, deadline=None)
def test_no_print_leaves_its_area(scale, offset_x, offset_y, rotation, fit):
    layout = Layout(fit, scale, offset_x, offset_y, rotation)

    made = warped(flat((200, 30, 30)), layout=layout)

    u, v = SQUARE.coordinates(
        *np.meshgrid((np.arange(200) + 0.5) / 200, (np.arange(200) + 0.5) / 200)
    )
    beside = (u < -0.02) | (u > 1.02) | (v < -0.02) | (v > 1.02)
    assert made.opacity[beside].max() == 0
    assert (made.opacity <= made.area + 1e-4).all()
    assert (made.color <= made.opacity[..., None] + 1e-4).all()


@given(
    scale=st.floats(0.2, 3),
    offset_x=st.floats(-0.6, 0.6),
    rotation=st.floats(-180, 180),
)
@settings(max_examples=40, deadline=None)
def test_what_is_cropped_is_what_is_missing(scale, offset_x, rotation):
    artwork, shape = flat((0, 0, 0), (60, 40)), Shape(10, 10)
    layout = Layout("contain", scale, offset_x, 0.0, rotation)
    lattice = (np.arange(300) + 0.5) / 300
    at_x, at_y = to_artwork(*np.meshgrid(lattice, lattice), artwork.size, shape, layout)
    inked = (at_x >= 0) & (at_x <= 40) & (at_y >= 0) & (at_y <= 60)
    each = 10 / 60 * scale
    missing = 1 - inked.mean() * 100 / (40 * each * 60 * each)

    assert cropped_share(artwork, shape, layout) == pytest.approx(max(0, missing), abs=0.03)


def test_a_print_is_sharp_at_every_size_and_free_of_moire():
    fine = artwork_from(checkers(1600, 400), None)

    made = warped(fine, canvas=(160, 160))

    inside = made.color[40:120, 40:120, 0]
    assert inside.std() < 0.02
    assert inside.mean() == pytest.approx(to_linear(checkers()).mean(), abs=0.02)


@pytest.mark.parametrize("base", ["#ffffff", "#1b1b1d", "#2244aa"])
@pytest.mark.parametrize("color", [(226, 104, 74), (28, 53, 84), (46, 124, 122), (250, 250, 250)])
def test_a_design_keeps_its_color_on_white_and_on_black(base, color):
    made = warped(flat(color))
    light = np.full((200, 200, 3), 0.8, np.float32)

    image, ink = lay_ink(light * from_hex(base), light, made, strength=1.0)

    shown = to_lab(image[100, 100] / 0.8)
    wanted = to_lab(to_linear(np.array([[color]], np.uint8))[0, 0])
    assert delta_e_2000(shown, wanted) < 0.5
    assert ink[100, 100] == pytest.approx(1)
    assert np.array_equal(image[5, 5], (light * from_hex(base))[5, 5])
    assert color_error(image, light, made) < 0.5


def test_weak_ink_lets_the_base_through_and_says_so():
    made = warped(flat((226, 104, 74)))
    light = np.ones((200, 200, 3), np.float32)

    image, _ = lay_ink(light * from_hex("#1b1b1d"), light, made, strength=0.5)

    assert color_error(image, light, made) > 10


def test_threads_of_cloth_show_through_ink():
    rows = np.arange(200) % 4 < 2
    light = np.where(rows[:, None, None], np.float32(0.9), np.float32(0.7)).repeat(200, 1)
    light = np.repeat(light, 3, axis=2).astype(np.float32)
    made = warped(flat((0, 0, 0)))

    bare, _ = lay_ink(light, light, made, relief=0.0)
    woven, ink = lay_ink(light, light, made, relief=0.8)

    assert bare[100:104, 100].max() < 1e-5
    assert woven[100:104, 100].max() > 0.05
    assert ink[100:104, 100].min() > 0.5


def test_white_paper_is_no_ink_where_the_order_says_so():
    photo = np.full((20, 20, 3), 255, np.uint8)
    photo[5:15, 5:15] = (200, 0, 0)
    photo[0, 0] = (255, 128, 128)

    artwork = artwork_from(photo, None, white_is_clear=True)

    assert artwork.opacity[2, 2] == 0
    assert artwork.opacity[10, 10] == pytest.approx(1)
    over_white = artwork.color[0, 0] + (1 - artwork.opacity[0, 0])
    assert artwork.opacity[0, 0] == pytest.approx(0.5, abs=0.01)
    assert over_white[0] == pytest.approx(1, abs=0.01)


def test_gloss_never_passes_white_and_never_darkens():
    image = np.linspace(0, 1, 30, dtype=np.float32).reshape(1, 10, 3)
    gloss = np.full_like(image, 0.3)

    made = add_gloss(image, gloss)

    assert (made >= image - 1e-6).all()
    assert made.max() <= 1


def test_the_light_on_a_photographed_base_is_read_from_its_print_area():
    slope = np.linspace(0.3, 0.8, 100, dtype=np.float32)
    photo = np.repeat(np.tile(slope, (100, 1))[..., None], 3, axis=2)
    area = np.zeros((100, 100), np.float32)
    area[20:80, 20:80] = 1

    light = light_of_photo(photo, area)
    dark = light_of_photo(photo * np.float32(0.05), area)

    assert light[50, 70, 0] / light[50, 30, 0] == pytest.approx(slope[70] / slope[30], rel=0.01)
    assert 0.4 < dark[50, 50, 0] < 1.1


def test_folds_move_a_print_but_not_far():
    _, x = np.mgrid[0:120, 0:120].astype(np.float32)
    photo = np.repeat((0.5 + 0.3 * np.sin(x / 8))[..., None], 3, axis=2).astype(np.float32)

    shift = cloth_shift(photo, 1.0)

    assert 0.1 < np.abs(shift[..., 0]).max() <= 0.012 * 120 + 1e-6
    assert np.abs(shift[10:-10, 10:-10, 1]).max() < 0.05


def test_a_moved_print_is_where_the_shift_says():
    artwork = artwork_from(checkers(), None)
    shift = np.full((200, 200, 2), 0.0, np.float32)
    shift[..., 0] = 0.05

    moved, still = warped(artwork, shift=shift), warped(artwork)

    # A twentieth of the area is 6 px: what lay 6 px to the right has come here.
    assert np.abs(moved.color[60:140, 60:120] - still.color[60:140, 66:126]).max() < 0.02
    assert np.abs(moved.color[60:140, 66:126] - still.color[60:140, 60:120]).max() > 0.5


def test_corners_of_a_design_land_on_the_corners_of_its_area():
    corners = (0.21, 0.25, 0.83, 0.15, 0.78, 0.84, 0.25, 0.7)
    made = warped(flat((255, 255, 255)), Plane(corners), canvas=(300, 300))

    matrix = homography(corners)
    for u, v in ((0.03, 0.03), (0.97, 0.03), (0.97, 0.97), (0.03, 0.97)):
        x, y, depth = matrix @ (u, v, 1)
        assert made.opacity[int(y / depth * 300), int(x / depth * 300)] == pytest.approx(1)
