"""What a stroke or an outline does to a mask: exact where painted, local, one way only."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_workers.imaging.arrays import Cutout, to_linear, to_photo
from gpu_workers.imaging.hand_matte import hand_cutout, hard
from gpu_workers.imaging.retouch import REACH, begun, with_step
from gpu_workers.imaging.segmentation.regions import iou
from gpu_workers.retouch_steps import Step

SIDE = 240
PAPER, RED, BLUE = (228, 226, 221), (176, 44, 40), (40, 60, 150)


def scene():
    """A red body with a blue sleeve on noisy paper: (photo, body, sleeve)."""
    noise = np.random.default_rng(3).normal(0, 2, (SIDE, SIDE, 3))
    picture = np.full((SIDE, SIDE, 3), PAPER, float)
    body, sleeve = np.zeros((SIDE, SIDE), bool), np.zeros((SIDE, SIDE), bool)
    body[70:200, 90:160], sleeve[80:110, 160:200] = True, True
    picture[body], picture[sleeve] = RED, BLUE
    return np.clip(picture + noise, 0, 255).astype(np.uint8), body, sleeve


PHOTO, BODY, SLEEVE = scene()


def stroke(tool, *points, radius=0.02):
    return Step(tool, points, radius)


def done(start, *steps):
    state = begun(start)
    for step in steps:
        state = with_step(PHOTO, state, step)
    return state.mask


def test_a_short_keep_stroke_brings_back_the_whole_sleeve_and_no_paper():
    mask = done(BODY, stroke("keep", (0.70, 0.40), (0.78, 0.40)))

    assert iou(mask, BODY | SLEEVE) > 0.99


def test_a_remove_stroke_takes_the_sleeve_away_and_leaves_the_body():
    mask = done(BODY | SLEEVE, stroke("remove", (0.72, 0.40), (0.8, 0.40)))

    assert iou(mask, BODY) > 0.99


def test_a_stroke_on_bare_paper_keeps_just_what_was_painted():
    mask = done(BODY, stroke("keep", (0.15, 0.15), (0.25, 0.15)))
    added = mask & ~BODY

    # 24 px of line, 10 px thick with round ends.
    assert 250 < added.sum() < 420


def test_what_looks_alike_and_is_not_connected_stays_out():
    photo, island = PHOTO.copy(), np.zeros((SIDE, SIDE), bool)
    island[113:119, 168:186] = True
    photo[island] = BLUE

    state = with_step(photo, begun(BODY), stroke("keep", (0.70, 0.40), (0.78, 0.40)))

    assert (state.mask & SLEEVE).sum() > 0.95 * SLEEVE.sum()
    assert not (state.mask & island).any()


def test_a_careless_stroke_that_runs_out_onto_the_paper_takes_no_more_of_it_than_it_painted():
    careless = stroke("keep", (0.72, 0.40), (0.95, 0.40), radius=0.02)

    paper = done(BODY, careless) & ~BODY & ~SLEEVE

    # 29 px beyond the sleeve, 11 px thick, with a round end.
    assert paper.sum() < 430


def test_a_larger_brush_reaches_farther():
    point = (0.68, 0.39)

    small = done(BODY, stroke("keep", point, radius=0.004))
    large = done(BODY, stroke("keep", point, radius=0.04))

    assert (small & SLEEVE).sum() < (large & SLEEVE).sum()


def test_what_was_kept_by_hand_is_not_eaten_by_a_neighbors_removal():
    kept = stroke("keep", (0.78, 0.36), (0.78, 0.44), radius=0.01)

    mask = done(BODY | SLEEVE, kept, stroke("remove", (0.71, 0.40)))

    column = round(0.78 * (SIDE - 1))
    assert mask[90:100, column].all()
    assert not mask[95, 168]


def test_painting_over_again_has_the_last_word():
    there = (0.72, 0.40), (0.8, 0.40)

    mask = done(BODY, stroke("keep", *there), stroke("remove", *there))

    assert iou(mask, BODY) > 0.98


def test_a_rough_outline_finds_the_edge_close_to_it():
    corners = ((0.36, 0.275), (0.685, 0.28), (0.68, 0.845), (0.365, 0.85))

    mask = done(np.zeros((SIDE, SIDE), bool), Step("outline", corners))

    assert iou(mask, BODY) > 0.98


def test_an_outline_begins_anew_and_a_second_one_adds():
    body = Step("outline", ((0.37, 0.28), (0.68, 0.28), (0.68, 0.84), (0.37, 0.84)))
    sleeve = Step("outline", ((0.66, 0.32), (0.84, 0.32), (0.84, 0.47), (0.66, 0.47)))

    first = done(np.ones((SIDE, SIDE), bool), body)
    both = done(np.ones((SIDE, SIDE), bool), body, sleeve)

    assert iou(first, BODY) > 0.97
    assert iou(both, BODY | SLEEVE) > 0.96


@pytest.mark.parametrize(
    "corners", [((0.5, 0.5),) * 3, ((0, 0), (1, 0), (1, 1), (0, 1)), ((0.1, 0.1), (0.9, 0.9)) * 2]
)
def test_an_outline_of_nothing_or_everything_is_taken_as_drawn(corners):
    mask = done(BODY, Step("outline", corners))

    assert mask.dtype == bool
    assert mask.shape == BODY.shape


points = st.tuples(st.floats(0, 1), st.floats(0, 1))
strokes = st.builds(
    Step,
    st.sampled_from(["keep", "remove"]),
    st.lists(points, min_size=1, max_size=4).map(tuple),
    st.floats(0.004, 0.06),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(strokes, min_size=1, max_size=3))
def test_a_stroke_holds_changes_one_way_and_only_near_itself(steps):
    state = begun(BODY)
    for step in steps:
        before, state = state, with_step(PHOTO, state, step)
        keeps = step.tool == "keep"
        corner = np.array([SIDE - 1, SIDE - 1])
        on_line = np.round(np.array(step.points) * corner).astype(int)
        changed = before.mask ^ state.mask

        assert (state.mask[on_line[:, 1], on_line[:, 0]] == keeps).all()
        assert not (changed & (before.mask if keeps else ~before.mask)).any()
        box = _bounds(on_line, step.radius)
        changed[box] = False
        assert not changed.any()


def _bounds(on_line, radius):
    px = max(1, round(radius * SIDE))
    reach = px + max(round(REACH * px), 5) + 2
    (left, top), (right, bottom) = on_line.min(axis=0), on_line.max(axis=0)
    return (
        slice(max(0, top - reach), bottom + reach + 1),
        slice(max(0, left - reach), right + reach + 1),
    )


@settings(max_examples=10, deadline=None)
@given(strokes, st.booleans())
def test_the_same_steps_give_the_same_mask(step, starts_full):
    start = np.full((SIDE, SIDE), starts_full)

    assert np.array_equal(done(start, step), done(start, step))


def test_a_dab_that_adds_a_single_pixel_is_no_trouble():
    start = BODY.copy()
    start[85:105, 165:185] = True
    start[95, 175] = False

    assert done(start, stroke("keep", (175 / 239, 95 / 239), radius=0.004))[95, 175]


def test_photo_and_mask_of_two_sizes_are_a_mistake():
    with pytest.raises(ValueError, match="differ in size"):
        with_step(PHOTO, begun(np.zeros((10, 10), bool)), stroke("keep", (0.5, 0.5)))


def engines_cutout(matte):
    return Cutout(to_linear(PHOTO), matte.astype(np.float32), 0.4)


def test_an_engines_edge_stays_where_the_person_left_it():
    matte = BODY * np.float32(1)
    matte[70:200, 158:162] = 0.5
    corrected = BODY | SLEEVE

    cutout = hand_cutout(PHOTO, engines_cutout(matte), corrected, SLEEVE)

    assert np.array_equal(cutout.matte[150:190, 158:162], matte[150:190, 158:162])
    assert iou(hard(cutout.matte, corrected.shape), corrected) > 0.98
    assert cutout.confidence == 1


def test_what_a_person_marked_is_in_the_cutout_even_if_the_engine_sees_paper():
    """White on white: the engine's edge runs round it, the person's word holds."""
    marked = BODY.copy()
    marked[205:235, 100:150] = True

    cutout = hand_cutout(PHOTO, engines_cutout(BODY * np.float32(1)), marked, marked & ~BODY)

    assert cutout.matte[210:230, 105:145].min() > 0.9


def test_nothing_changed_is_the_same_cutout_looked_at():
    matte = BODY * np.float32(1)

    cutout = hand_cutout(PHOTO, engines_cutout(matte), BODY, np.zeros_like(BODY))

    assert np.array_equal(cutout.matte, matte)
    assert cutout.confidence == 1


def test_a_correction_lies_where_it_was_drawn_in_a_photo_of_any_size():
    """Only the surroundings of a correction are made anew; they must not be shifted."""
    width, height = 613, 571
    photo = cv2.resize(PHOTO, (width, height), interpolation=cv2.INTER_CUBIC)

    def large(mask):
        return cv2.resize(mask.astype(np.float32), (width, height)) > 0.5

    engines = Cutout(to_linear(photo), large(BODY).astype(np.float32), 0.4)

    cutout = hand_cutout(photo, engines, BODY | SLEEVE, SLEEVE)

    found, wanted = cutout.matte > 0.5, large(BODY | SLEEVE)
    assert iou(found, wanted) > 0.99
    rows, columns = np.nonzero(found & ~large(BODY))
    wanted_rows, wanted_columns = np.nonzero(wanted & ~large(BODY))
    assert abs(rows.mean() - wanted_rows.mean()) < 0.5
    assert abs(columns.mean() - wanted_columns.mean()) < 1
    # The sleeve's own blue at its edge, not the paper's white.
    soft = (cutout.matte > 0.3) & (cutout.matte < 0.9) & ~large(BODY)
    assert to_photo(cutout.color)[soft][:, 0].mean() < 110
