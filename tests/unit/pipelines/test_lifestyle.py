"""A lifestyle picture around a network that is not there: painters of paper.

Real networks, of tiny random weights, paint in tests/engines.
"""

from __future__ import annotations

import io
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from gpu_workers.engines.backdrop_generator import Step
from gpu_workers.engines.checkpoints import find
from gpu_workers.engines.diffusion import pool
from gpu_workers.errors import (
    GenerationRejected,
    ModelMissing,
    ModelRefused,
    ObjectMissing,
    OrderError,
    OrderInvalid,
    SourceUnusable,
)
from gpu_workers.pipelines import painting
from gpu_workers.pipelines.runner import render
from gpu_workers.protocol import OutputSpec, RenderOrder, RenderResult
from gpu_workers.scene_spec import builtin_scenes, scene_from_json

SCENE = builtin_scenes()["bright-kitchen"]
SQUARE = OutputSpec("shop", 300, 300, file_format="PNG")


def jar(side=320):
    """A jar with a label, as transparent PNG."""
    color = np.full((side, side, 3), (190, 60, 40), np.float32)
    color[150:210] = (236, 226, 200)
    color += np.random.default_rng(8).normal(0, 4, color.shape)
    alpha = np.zeros((side, side), np.uint8)
    cv2.rectangle(alpha, (110, 70), (210, 270), 255, -1)
    alpha = cv2.GaussianBlur(alpha, (0, 0), 0.7)
    file = io.BytesIO()
    pixels = np.dstack([np.clip(color, 0, 255).astype(np.uint8), alpha])
    Pillow.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


class PaperPainter:
    """Paints a green backdrop; as long as `growing` seeds are left, with the product grown."""

    most_at_once = 4
    version = "paper/1"
    checkpoint = replace(find("sdxl-ecomxl"), sizes=((256, 256), (320, 192)))

    def __init__(self, growing=0):
        self.growing = growing
        self.asked = []

    def generate(self, requests, *, watch=None):
        (request,) = requests
        self.asked.append(request)
        for number in (1, 2):
            if watch:
                watch(Step(number, 2, (0,), lambda _place: np.full((32, 32, 3), 90, np.uint8)))
        picture = request.init.astype(np.float32) / 255
        # What an autoencoder does to a product: softer, and not quite its color.
        picture = cv2.GaussianBlur(picture, (0, 0), 1.0) * np.float32(0.95)
        green = np.zeros_like(picture) + np.array([0.2, 0.5, 0.25], np.float32)
        mask = request.mask
        if len(self.asked) <= self.growing:
            kernel = np.ones((31, 31), np.uint8)
            mask = cv2.erode(mask.astype(np.uint8), kernel) > 0
            ys, xs = np.nonzero(~request.mask)
            picture[ys.min() - 15 : ys.max() + 15, xs.min() - 15 : xs.max() + 15] = np.median(
                picture[~request.mask], axis=0
            )
        soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.8)[..., None]
        return [(picture * (1 - soft) + green * soft).astype(np.float32)]


def order(*outputs, scene=SCENE, **options):
    return RenderOrder(
        work_item="w1",
        attempt=1,
        tenant="acme",
        kind="lifestyle",
        source_key="source.png",
        scene=replace(scene, options=replace(scene.options, **options)),
        outputs=outputs or (SQUARE,),
        seed=11,
        result_prefix="acme/w1/1/",
    )


def run(what, report=None):
    files = {}
    result = render(
        what,
        read=lambda _key: jar(),
        write=files.__setitem__,
        report=report or (lambda *_told: None),
    )
    return result, files


@pytest.fixture
def painter(monkeypatch):
    made = PaperPainter()
    monkeypatch.setattr(pool, "generator", lambda _name="": made)
    return made


def test_the_backdrop_is_painted_and_the_product_is_the_sellers_own(painter):
    result, files = run(order())

    picture = np.asarray(Pillow.open(io.BytesIO(files["acme/w1/1/shop.png"])))
    assert picture.shape == (300, 300, 3)
    red, green, blue = picture[20, 20].astype(int)
    assert green > red + 30 > blue
    assert result.engine == "alpha/1 + paper/1"
    # The painter darkened the product by 5 %: a Delta E of 2. Nothing of that is left.
    assert result.fidelity["delta_e_mean"] < 0.3
    assert result.fidelity["delta_e_p99"] < 1
    assert result.fidelity["silhouette_iou"] > 0.995
    checks = result.files[0].checks
    assert checks["seeds_tried"] == 1
    assert checks["generated_seed"] == 11
    assert checks["generated_iou"] > 0.97
    assert "made_as_scene" not in checks["warnings"]


def test_no_old_backdrop_shows_around_the_product(painter):
    _, files = run(order())

    picture = np.asarray(Pillow.open(io.BytesIO(files["acme/w1/1/shop.png"]))).astype(int)
    product = picture[..., 0] > 120
    ring = cv2.dilate(product.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    ring &= ~(cv2.dilate(product.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0)
    assert np.percentile(np.abs(picture[ring] - (51, 128, 64)), 95) < 16


def test_nothing_of_the_networks_own_product_shows_through_a_soft_edge(painter, monkeypatch):
    own = painter.generate

    def garish(requests, *, watch=None):
        (picture,) = own(requests, watch=watch)
        # One pixel beyond the product at most: what blurs over its contour.
        inside = cv2.dilate((~requests[0].mask).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        picture[inside] = (0.9, 0.1, 1.0)
        return [picture]

    monkeypatch.setattr(painter, "generate", garish)

    _, files = run(order())

    # Red, cream and green have less blue than this; violet has all of it.
    picture = np.asarray(Pillow.open(io.BytesIO(files["acme/w1/1/shop.png"]))).astype(int)
    violet = picture[..., 2] - picture[..., 1]
    assert violet.max() < 12


def test_the_network_is_told_of_scene_and_choices(painter):
    run(order(subject="jam jar", setting="garden", steps=9, guidance=3.5, strength=0.9))

    (request,) = painter.asked
    assert request.prompt.startswith("a jam jar on a wooden table in a garden")
    assert "from the left" in request.prompt
    assert "second jam jar" in request.negative
    assert (request.sampling.steps, request.sampling.guidance) == (9, 3.5)
    assert request.sampling.strength == 0.9
    assert request.size == (256, 256)
    assert not request.mask.all()


def test_a_wide_canvas_is_painted_in_a_wide_size(painter):
    result, _ = run(order(OutputSpec("banner", 600, 340, file_format="PNG")))

    assert painter.asked[0].size == (320, 192)
    assert (result.files[0].width_px, result.files[0].height_px) == (600, 340)
    assert result.fidelity["silhouette_iou"] > 0.99


def test_each_shape_of_canvas_is_painted_once(painter):
    run(order(SQUARE, OutputSpec("small", 150, 150), OutputSpec("wide", 500, 300)))

    assert [request.size for request in painter.asked] == [(256, 256), (320, 192)]


def test_a_grown_product_is_painted_again_with_another_seed(painter):
    painter.growing = 1

    result, _ = run(order(max_seeds=2))

    first, second = (request.seed for request in painter.asked)
    assert first == 11 != second
    assert result.files[0].checks["seeds_tried"] == 2
    assert result.files[0].checks["generated_seed"] == second


def test_within_the_limit_of_seeds_nothing_is_made_of_a_growing_product(painter):
    painter.growing = 9

    with pytest.raises(GenerationRejected, match="grew in each of 3 generated pictures") as caught:
        run(order(max_seeds=3))

    assert len(painter.asked) == 3
    assert caught.value.code == "order.generation_rejected"
    assert not caught.value.retryable


def test_progress_only_moves_forward_and_is_told_while_painting(painter):
    shares = []
    painter.growing = 1

    run(order(), report=lambda *told: shares.append(told[3]))

    assert shares == sorted(shares)
    assert len([share for share in shares if 0.5 < share < 0.7]) >= 3


def test_what_is_being_painted_is_shown_with_the_product_in_it(painter):
    previews = []

    run(order(OutputSpec("shop", 300, 200)), report=lambda *told: previews.extend(told[4:]))

    # Both steps within half a second: the second has nothing new to show.
    (preview,) = previews
    assert len(preview) < 12_000
    with Pillow.open(io.BytesIO(preview)) as picture:
        assert picture.format == "WEBP"
        assert picture.size == (256, 171)
        seen = np.asarray(picture.convert("RGB")).astype(int)
    assert abs(seen[8, 8] - 90).max() < 6
    red, green, blue = seen[85, 128]
    assert red > green > blue


def test_the_same_order_is_the_same_picture(painter):
    _, first = run(order())
    _, second = run(order())

    assert first == second


def test_without_a_network_the_order_fails_and_names_the_cure():
    with pytest.raises(ModelMissing, match="PACKSHOT_WORKER_ENGINE=diffusion") as caught:
        run(order(on_missing="fail"))

    assert caught.value.code == "order.model_missing"


def test_without_a_network_the_scene_is_drawn_and_says_so_where_the_order_allows_it():
    result, files = run(order(on_missing="scene"))

    assert result.engine == "alpha/1 + scene/1"
    assert "made_as_scene" in result.files[0].checks["warnings"]
    assert "acme/w1/1/shop.png" in files


def test_a_refused_checkpoint_is_never_replaced(monkeypatch):
    def refuse(_name=""):
        raise ModelRefused("flux1-dev is not offered")

    monkeypatch.setattr(pool, "generator", refuse)

    with pytest.raises(ModelRefused):
        run(order(on_missing="scene"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"setting": "moon"}, "scene.options.setting"),
        ({"max_seeds": 9}, "scene.options.max_seeds: 9 is not within 1 to 4"),
        ({"prompt": "anything"}, "unknown field prompt"),
        ({"props": ["gun"]}, "scene.options.props"),
        ({"strength": 0.1}, "scene.options.strength"),
    ],
)
def test_a_scene_with_other_options_is_refused(options, said):
    values = SCENE.to_json()
    values["options"] = {**values["options"], **options}

    with pytest.raises(OrderInvalid, match=said):
        scene_from_json(values)


class BatchPainter(PaperPainter):
    """Paints what it is asked, however many, and notes how many it was."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def generate(self, requests, *, watch=None):
        self.batches.append(len(requests))
        return [super(BatchPainter, self).generate([request])[0] for request in requests]


@pytest.fixture
def batch_painter(monkeypatch):
    made = BatchPainter()
    monkeypatch.setattr(pool, "generator", lambda _name="": made)
    yield made
    painting.render.expect([], read=lambda _key: b"", write=lambda _key, _data: None)


def batch_of(*orders):
    """Render orders as an engine child does; return result or error of each."""
    kept = {"source.png": jar(), "blank.png": blank()}

    def read(key):
        if key not in kept:
            raise ObjectMissing(key)
        return kept[key]

    painting.render.expect(orders, read=read, write=kept.__setitem__)
    outcomes = []
    for each in orders:
        try:
            outcomes.append(
                painting.render(each, read=read, write=kept.__setitem__, report=lambda *_told: None)
            )
        except OrderError as error:
            outcomes.append(error)
    return outcomes, kept


def blank():
    file = io.BytesIO()
    Pillow.new("RGB", (200, 200), (200, 200, 200)).save(file, "PNG")
    return file.getvalue()


def numbered(number, **changes):
    named = {"work_item": f"w{number}", "result_prefix": f"{number}/", "seed": 10 + number}
    return replace(order(), **{**named, "cutout_key": f"cutout-{number}", **changes})


def test_orders_of_a_batch_are_painted_together_and_are_what_they_are_alone(batch_painter):
    orders = [numbered(number) for number in range(3)]

    outcomes, together = batch_of(*orders)
    assert batch_painter.batches == [3]

    batch_painter.batches.clear()
    for each in orders:
        _, alone = batch_of(each)
        assert alone[f"{each.result_prefix}shop.png"] == together[f"{each.result_prefix}shop.png"]
    assert batch_painter.batches == [1, 1, 1]
    assert [result.files[0].checks["generated_seed"] for result in outcomes] == [10, 11, 12]


def test_a_batch_is_no_larger_than_the_painter_takes(batch_painter):
    batch_of(*(numbered(number) for number in range(6)))

    assert batch_painter.batches == [4, 2]


def test_what_differs_in_size_checkpoint_or_steps_is_painted_apart(batch_painter):
    wide = OutputSpec("wide", 600, 340, file_format="PNG")
    slow = order(steps=9).scene
    other = order(checkpoint="sdxl-inpaint").scene

    outcomes, _ = batch_of(
        numbered(0),
        numbered(1, outputs=(wide,)),
        numbered(2, scene=slow),
        numbered(3, scene=other),
        numbered(4),
    )

    assert batch_painter.batches == [2, 1, 1, 1]
    assert all(isinstance(outcome, RenderResult) for outcome in outcomes)


def test_a_companion_without_a_product_fails_by_itself(batch_painter):
    outcomes, _ = batch_of(numbered(0), numbered(1, source_key="blank.png"), numbered(2))

    assert batch_painter.batches == [2]
    assert isinstance(outcomes[1], SourceUnusable)
    assert isinstance(outcomes[0], RenderResult)
    assert isinstance(outcomes[2], RenderResult)


def test_orders_that_keep_no_cutout_are_not_painted_ahead(batch_painter):
    batch_of(numbered(0), numbered(1, cutout_key=""))

    assert batch_painter.batches == [1, 1]
