"""The parts of the classical cutout, each on the smallest picture that needs it."""

import cv2
import numpy as np

from gpu_workers.imaging.matte import closed_form_matte
from gpu_workers.imaging.segmentation.background import Backdrop, fit_backdrop, to_lab
from gpu_workers.imaging.segmentation.evidence import bare, openings, read_evidence
from gpu_workers.imaging.segmentation.hypotheses import fill_false_holes, without_core
from gpu_workers.imaging.segmentation.refinement import refine
from gpu_workers.imaging.segmentation.regions import (
    fill_small_holes,
    iou,
    keep_main_parts,
    touching,
    without_specks,
)
from gpu_workers.imaging.segmentation.saliency import barrier_distance

SIDE = 240


def paper(color=(225, 224, 220), *, side=SIDE):
    noise = np.random.default_rng(3).normal(0, 1.2, (side, side, 3))
    fall = 1 - 0.12 * np.mgrid[0:side, 0:side][0][..., None] / side
    return np.array(color) * fall + noise


def as_photo(picture):
    return np.clip(picture, 0, 255).astype(np.uint8)


def evidence_of(picture):
    photo = as_photo(picture)
    lab = to_lab(photo)
    return read_evidence(photo, lab, fit_backdrop(lab))


def disc_mask(center, radius, *, side=SIDE):
    mask = np.zeros((side, side), np.uint8)
    cv2.circle(mask, center, radius, 1, -1)
    return mask.astype(bool)


def test_a_soft_shadow_is_read_as_shadow_and_the_product_in_it_as_product():
    shade = cv2.GaussianBlur(disc_mask((120, 150), 60).astype(np.float32), (0, 0), 12)
    picture = paper() * (1 - 0.45 * shade)[..., None]
    product = disc_mask((120, 110), 40)
    picture[product] = (40, 90, 150)

    evidence = evidence_of(picture)

    in_shadow = disc_mask((120, 185), 15)
    assert evidence.shadow[in_shadow].mean() > 0.9
    assert evidence.product[in_shadow].mean() < 0.05
    assert evidence.product[product].mean() > 0.95


def test_a_hard_shadow_on_colored_paper_is_no_product():
    picture = paper((140, 60, 160))
    picture[150:190, 60:180] *= 0.35

    evidence = evidence_of(picture)

    assert evidence.product[152:188, 62:178].mean() < 0.05


def test_a_dark_grey_product_with_sharp_edges_is_no_shadow():
    picture = paper()
    picture[80:170, 80:170] *= 0.6

    evidence = evidence_of(picture)

    assert evidence.product[84:166, 84:166].mean() > 0.95


def test_backdrop_seen_through_a_ring_is_a_hole_but_a_brighter_label_is_not():
    picture = paper()
    body = disc_mask((120, 120), 80)
    window, label = disc_mask((95, 120), 20), disc_mask((150, 120), 20)
    picture = np.where((body & ~window)[..., None], (60, 110, 60), picture)
    picture[label] = (250, 250, 250)

    hole = evidence_of(picture).hole

    assert hole[disc_mask((95, 120), 14)].all()
    assert not hole[label].any()


def test_a_closed_mask_opens_where_the_backdrop_shows_and_keeps_its_paler_label():
    picture = paper()
    body = disc_mask((120, 120), 80)
    window, label = disc_mask((95, 120), 20), disc_mask((150, 120), 20)
    picture = np.where((body & ~window)[..., None], (60, 110, 60), picture)
    picture[label] = (250, 250, 250)
    lab = to_lab(as_photo(picture))
    backdrop = fit_backdrop(lab)

    opening = openings(body, bare(lab, backdrop), lab, backdrop)

    assert opening[disc_mask((95, 120), 14)].all()
    assert not opening[label].any()
    assert not opening[~body].any()


def test_white_on_white_keeps_its_edge_and_its_inside_when_it_is_cut_again():
    side = 500
    true = disc_mask((250, 250), 120, side=side)
    edge = cv2.GaussianBlur(true.astype(np.float32), (0, 0), 1.0)[..., None]
    photo = as_photo(np.full((side, side, 3), 236.0) + 6 * edge + paper(side=side) * 0)
    small = np.asarray(cv2.resize(photo, (250, 250), interpolation=cv2.INTER_AREA))

    mask = refine(photo, np.roll(true, 3, axis=0), fit_backdrop(to_lab(small)), is_outlined=True)

    assert iou(mask, true) > 0.99


def test_a_wall_behind_a_table_is_one_plain_backdrop():
    picture = paper((200, 200, 196))
    picture[150:] = paper((165, 121, 77))[150:]
    product = disc_mask((120, 140), 45)
    lab = to_lab(as_photo(np.where(product[..., None], (30, 40, 120), picture)))

    backdrop = fit_backdrop(lab)

    error = np.linalg.norm(backdrop.lab - to_lab(as_photo(picture)), axis=2)
    assert backdrop.is_plain
    assert np.median(error[140:146]) < 3
    assert np.median(error[154:160]) < 3


def test_a_carpet_is_no_plain_backdrop():
    noise = np.random.default_rng(1).normal(120, 60, (SIDE, SIDE, 3))

    assert not fit_backdrop(to_lab(as_photo(noise))).is_plain


def test_spines_and_slots_too_fine_for_the_small_size_come_back():
    side = 700
    picture = paper(side=side)
    body = disc_mask((350, 350), 150, side=side)
    picture[body] = (30, 90, 60)
    cv2.line(picture, (350, 205), (350, 110), (70, 40, 20), 2)
    slot = np.zeros((side, side), bool)
    slot[340:352, 300:400] = True
    picture[slot] = paper(side=side)[slot]
    photo = as_photo(picture)
    small = to_lab(np.asarray(cv2.resize(photo, (350, 350), interpolation=cv2.INTER_AREA)))

    mask = refine(photo, body, fit_backdrop(small))

    assert mask[120:200, 349:352].any(axis=1).mean() > 0.9
    assert not mask[343:349, 310:390].any()
    assert mask[body & ~slot].mean() > 0.98


def test_a_black_visor_stays_but_grass_through_a_handle_goes():
    picture = np.full((SIDE, SIDE, 3), (90, 150, 50), np.uint8)
    body = disc_mask((120, 120), 80)
    visor, handle = disc_mask((90, 120), 18), disc_mask((150, 120), 18)
    picture[body & ~handle] = (230, 230, 230)
    picture[visor] = (20, 20, 20)

    mask = fill_false_holes(body & ~visor & ~handle, picture)

    assert mask[visor].all()
    assert not mask[handle].any()


def test_a_product_of_the_backdrops_own_hue_is_not_taken_for_its_shadow():
    product, shadow = disc_mask((100, 100), 40), disc_mask((180, 180), 30)

    assert np.array_equal(without_core(shadow, product), shadow)
    assert not without_core(product, product).any()


def test_a_way_around_a_bright_ring_costs_less_than_one_through_it():
    lab = np.zeros((120, 120, 3), np.float32)
    lab[..., 0] = 40
    cv2.circle(lab, (60, 60), 30, (90, 0, 0), 6)
    closed = barrier_distance(lab)[60, 60]
    lab[57:64, 20:40, 0] = 40

    assert closed > 0.9
    assert barrier_distance(lab)[60, 60] < 0.1


def test_matting_finds_the_true_opacity_of_a_blurred_edge():
    truth = cv2.GaussianBlur(disc_mask((60, 60), 35, side=120).astype(np.float32), (0, 0), 1.5)
    photo = as_photo(truth[..., None] * (200, 60, 40) + (1 - truth[..., None]) * (40, 90, 180))
    known = np.where(truth > 0.999, 1, np.where(truth < 0.001, 0, -1)).astype(np.int8)
    rough = (truth > 0.3).astype(np.float32)

    matte = closed_form_matte(photo, known, rough, np.ones_like(rough))

    assert np.abs(matte - truth)[known < 0].mean() < 0.03
    assert np.abs(rough - truth)[known < 0].mean() > 0.1


def test_specks_go_and_straps_stay():
    mask = disc_mask((120, 140), 60)
    mask[30:80, 119:121] = True
    mask[30, 100:140] = True
    speck = disc_mask((20, 20), 2)

    cleaned = without_specks(mask | speck)

    assert cleaned[35:75, 119:121].all()
    assert not cleaned[speck].any()


def test_only_small_holes_are_filled_and_the_outside_never():
    body = disc_mask((120, 120), 80)
    small, large = disc_mask((100, 100), 3), disc_mask((140, 140), 25)

    filled = fill_small_holes(body & ~small & ~large, share=0.01)

    assert np.array_equal(filled, body & ~large)


def test_the_smaller_of_two_parts_goes_only_if_it_is_tiny():
    large, twin, crumb = (
        disc_mask((100, 120), 40),
        disc_mask((190, 120), 30),
        disc_mask((30, 30), 4),
    )

    assert np.array_equal(keep_main_parts(large | twin | crumb), large | twin)


def test_touching_keeps_whole_regions_that_hold_a_seed():
    left, right = disc_mask((60, 120), 30), disc_mask((180, 120), 30)
    seed = np.zeros_like(left)
    seed[120, 60] = True

    assert np.array_equal(touching(left | right, seed), left)


def test_overlap_of_nothing_with_nothing_is_full():
    nothing = np.zeros((4, 4), bool)

    assert iou(nothing, nothing) == 1
    assert iou(nothing, ~nothing) == 0


def test_a_backdrop_is_plain_up_to_its_spread():
    lab = np.zeros((2, 2, 3), np.float32)

    assert Backdrop(lab, 3.0, 1.0, 1.0).is_plain
    assert not Backdrop(lab, 9.0, 1.0, 1.0).is_plain
