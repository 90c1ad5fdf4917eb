"""The retouch desk: what it opens with, that it forgets nothing it needs, and what it keeps."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as Pillow

from gpu_workers.engines import classical_segmenter
from gpu_workers.errors import ObjectMissing, OrderInvalid, SourceUnusable
from gpu_workers.imaging.arrays import Cutout, to_linear
from gpu_workers.imaging.codec import encode
from gpu_workers.imaging.segmentation.regions import iou
from gpu_workers.pipelines.cutout_asset import BY_HAND, CutoutAsset, read_asset, write_asset
from gpu_workers.pipelines.retouch import CURRENT, RetouchDesk, mask_file
from gpu_workers.retouch_steps import Step
from gpu_workers.storage import FileStorage

SIDE = 320
PHOTO, CUTOUT, NEW = "p/photo.png", "p/cutout-0.png", "p/cutout-1.png"
SLEEVE_STROKE = Step("keep", ((0.7, 0.4), (0.78, 0.4)), 0.02)


def scene():
    """A red body with a blue sleeve on noisy paper: (photo, body, sleeve)."""
    noise = np.random.default_rng(3).normal(0, 2, (SIDE, SIDE, 3))
    picture = np.full((SIDE, SIDE, 3), (228, 226, 221), float)
    body, sleeve = np.zeros((SIDE, SIDE), bool), np.zeros((SIDE, SIDE), bool)
    body[90:270, 120:214], sleeve[106:148, 214:268] = True, True
    picture[body], picture[sleeve] = (176, 44, 40), (40, 60, 150)
    return np.clip(picture + noise, 0, 255).astype(np.uint8), body, sleeve


PICTURE, BODY, SLEEVE = scene()


@pytest.fixture
def storage(tmp_path):
    kept = FileStorage(tmp_path)
    kept.write(PHOTO, encode(PICTURE, "PNG"))
    return kept


def desk(storage):
    return RetouchDesk(read=storage.read, write=storage.write)


def asset(mask, engine):
    cutout = Cutout(to_linear(PICTURE) * mask[..., None], mask.astype(np.float32), 0.4)
    return write_asset(CutoutAsset(cutout, engine))


def test_a_photo_opens_with_the_engines_choice(storage):
    opened = desk(storage).open(PHOTO, CUTOUT)

    assert opened.maker == "engine"
    assert iou(opened.mask, BODY | SLEEVE) > 0.97


def test_a_photo_opens_with_what_a_person_kept(storage):
    storage.write(CUTOUT, asset(BODY, BY_HAND))

    opened = desk(storage).open(PHOTO, CUTOUT)

    assert opened.maker == "person"
    assert np.array_equal(opened.mask, BODY)


def test_the_cutout_of_an_engine_that_was_replaced_is_not_shown(storage):
    storage.write(CUTOUT, asset(SLEEVE, "classical/0"))

    opened = desk(storage).open(PHOTO, CUTOUT)

    assert iou(opened.mask, BODY | SLEEVE) > 0.97


def test_the_cutout_of_another_machines_engine_is_shown(storage):
    storage.write(CUTOUT, asset(BODY, "rembg-birefnet/2"))

    opened = desk(storage).open(PHOTO, CUTOUT)

    assert opened.maker == "engine"
    assert np.array_equal(opened.mask, BODY)


def test_a_transparent_file_opens_with_its_own_opacity(storage):
    file = io.BytesIO()
    Pillow.fromarray(np.dstack([PICTURE, BODY * np.uint8(255)])).save(file, "PNG")
    storage.write(PHOTO, file.getvalue())

    opened = desk(storage).open(PHOTO, CUTOUT)

    assert opened.maker == "file"
    assert np.array_equal(opened.mask, BODY)


def test_a_photo_in_which_nothing_stands_out_opens_empty_and_can_be_outlined(storage, monkeypatch):
    def finds_nothing(_photo):
        raise SourceUnusable("no product stands out")

    monkeypatch.setattr(classical_segmenter, "find_product", finds_nothing)
    outline = Step("outline", ((0.37, 0.27), (0.68, 0.27), (0.68, 0.85), (0.37, 0.85)))
    table = desk(storage)

    opened = table.open(PHOTO, CUTOUT)
    table.keep(PHOTO, CUTOUT, CURRENT, [outline], to_key=NEW)

    assert opened.maker == "nobody"
    assert not opened.mask.any()
    assert table.alternatives(PHOTO, CUTOUT) == {}
    assert iou(read_asset(storage.read(NEW)).cutout.matte > 0.5, BODY) > 0.96


def test_a_desk_that_knows_nothing_answers_like_one_that_followed_every_stroke(storage):
    steps = [
        SLEEVE_STROKE,
        Step("remove", ((0.45, 0.5),), 0.03),
        Step("keep", ((0.45, 0.52), (0.5, 0.55)), 0.01),
    ]
    storage.write(CUTOUT, asset(BODY, BY_HAND))
    followed = desk(storage)
    for count in range(1, len(steps) + 1):
        last = followed.corrected(PHOTO, CUTOUT, CURRENT, steps[:count])

    fresh = desk(storage).corrected(PHOTO, CUTOUT, CURRENT, steps)

    assert np.array_equal(fresh.mask, last.mask)
    assert np.array_equal(fresh.painted, last.painted)


def test_fewer_strokes_undo_the_last(storage):
    storage.write(CUTOUT, asset(BODY, BY_HAND))
    table = desk(storage)

    one = table.corrected(PHOTO, CUTOUT, CURRENT, [SLEEVE_STROKE]).mask
    table.corrected(PHOTO, CUTOUT, CURRENT, [SLEEVE_STROKE, Step("remove", ((0.4, 0.4),), 0.05)])

    assert np.array_equal(table.corrected(PHOTO, CUTOUT, CURRENT, [SLEEVE_STROKE]).mask, one)
    assert np.array_equal(table.corrected(PHOTO, CUTOUT, CURRENT, []).mask, BODY)


def test_the_engines_choice_is_offered_where_somebody_kept_another(storage):
    storage.write(CUTOUT, asset(BODY, BY_HAND))
    table = desk(storage)

    others = table.alternatives(PHOTO, CUTOUT)
    begun = table.corrected(PHOTO, CUTOUT, "engine", []).mask

    assert 1 <= len(others) <= 3
    assert iou(begun, BODY | SLEEVE) > 0.97


def test_a_mask_nobody_offered_is_refused(storage):
    with pytest.raises(OrderInvalid, match="open the photo again"):
        desk(storage).corrected(PHOTO, CUTOUT, "wishful", [])


def test_what_is_kept_is_a_persons_and_in_the_size_of_the_photo(storage):
    storage.write(CUTOUT, asset(BODY, BY_HAND))

    desk(storage).keep(PHOTO, CUTOUT, CURRENT, [SLEEVE_STROKE], to_key=NEW)

    kept = read_asset(storage.read(NEW))
    assert kept.engine == BY_HAND
    assert kept.cutout.confidence == 1
    assert kept.cutout.matte.shape == PICTURE.shape[:2]
    assert iou(kept.cutout.matte > 0.5, BODY | SLEEVE) > 0.98
    # The old edge, far from the stroke, is the old edge to the last bit.
    assert np.array_equal(kept.cutout.matte[160:], BODY[160:].astype(np.float32))


def test_an_engines_cutout_that_is_right_becomes_a_persons_unchanged(storage):
    storage.write(CUTOUT, asset(BODY, classical_segmenter.VERSION))

    desk(storage).keep(PHOTO, CUTOUT, CURRENT, [], to_key=NEW)

    kept = read_asset(storage.read(NEW))
    assert (kept.engine, kept.cutout.confidence) == (BY_HAND, 1)
    assert np.array_equal(kept.cutout.matte, BODY.astype(np.float32))


@pytest.mark.parametrize("tool", ["remove", "keep"])
def test_nothing_or_everything_is_not_kept(storage, tool):
    storage.write(CUTOUT, asset(BODY, BY_HAND))
    rows = tuple((x, y / 20) for y in range(21) for x in ((0, 1) if y % 2 else (1, 0)))

    with pytest.raises(SourceUnusable):
        desk(storage).keep(PHOTO, CUTOUT, CURRENT, [Step(tool, rows, 0.12)], to_key=NEW)

    assert not storage.exists(NEW)


def test_a_photo_that_is_gone_is_missing(storage):
    with pytest.raises(ObjectMissing):
        desk(storage).open("p/other.png", CUTOUT)


def test_many_photos_do_not_fill_the_memory(storage):
    table = desk(storage)
    storage.write(CUTOUT, asset(BODY, BY_HAND))
    data = storage.read(PHOTO)
    for number in range(40):
        storage.write(f"p/{number}.png", data)
        table.corrected(f"p/{number}.png", CUTOUT, CURRENT, [SLEEVE_STROKE])

    assert len(table._prepared) == 24


def test_a_masks_file_is_opaque_where_the_product_is():
    with Pillow.open(io.BytesIO(mask_file(BODY))) as picture:
        assert np.array_equal(np.asarray(picture)[..., 1], BODY * np.uint8(255))
