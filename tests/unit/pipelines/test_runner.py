"""One render from order to files.

The source photos are drawn here with an alpha channel, so that no test waits for the segmenter.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from gpu_workers.engines import classical_segmenter
from gpu_workers.errors import ObjectMissing, OrderInvalid, SourceUnusable
from gpu_workers.imaging.arrays import Cutout, to_linear
from gpu_workers.imaging.codec import decode, encode, srgb_profile
from gpu_workers.pipelines.cutout_asset import BY_HAND, CutoutAsset, read_asset, write_asset
from gpu_workers.pipelines.previews import FOLDER, before_and_after, make_scene_preview
from gpu_workers.pipelines.runner import render
from gpu_workers.protocol import OutputSpec, RenderOrder, RenderResult, result_from_json
from gpu_workers.scene_spec import Light, builtin_scenes

SCENES = builtin_scenes()
SQUARE = OutputSpec("shop", 240, 240)


def jar(*, side: int = 360, left: int = 110, noise: float = 14) -> bytes:
    """A jar with a colorful label and a lid, as transparent PNG."""
    color = np.full((side, side, 3), (196, 120, 60), np.float32)
    color[150:230] = (40, 90, 170)
    color[165:215:10] = (240, 240, 235)
    generator = np.random.default_rng(8)
    color += cv2.GaussianBlur(generator.normal(0, noise, color.shape), (0, 0), 1.2)
    alpha = np.zeros((side, side), np.uint8)
    cv2.rectangle(alpha, (left, 70), (250, 290), 255, -1, cv2.LINE_AA)
    cv2.ellipse(alpha, ((left + 250) // 2, 290), ((250 - left) // 2, 14), 0, 0, 360, 255, -1)
    alpha = cv2.GaussianBlur(alpha, (0, 0), 0.7)
    file = io.BytesIO()
    pixels = np.dstack([np.clip(color, 0, 255).astype(np.uint8), alpha])
    Pillow.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def order(slug: str = "packshot-white", *outputs: OutputSpec, **changes: object) -> RenderOrder:
    kind = "packshot" if slug.startswith("packshot") else "scene"
    made = RenderOrder(
        work_item="w1",
        attempt=2,
        tenant="acme",
        kind=kind,
        source_key="source.png",
        scene=SCENES[slug],
        outputs=outputs or (SQUARE,),
        seed=11,
        result_prefix="acme/w1/2/",
    )
    return replace(made, **changes)


def run(what: RenderOrder, source: bytes | None = None):
    files: dict[str, bytes] = {}
    reports: list[tuple[int, int, str, float]] = []
    data = jar() if source is None else source
    result = render(
        what,
        read=lambda key: {what.source_key: data}[key],
        write=files.__setitem__,
        report=lambda *step: reports.append(step),
    )
    return result, files, reports


def pixels_of(data: bytes) -> np.ndarray:
    with Pillow.open(io.BytesIO(data)) as picture:
        return np.asarray(picture)


def test_every_file_lies_under_the_prefix_and_is_described_truly():
    result, files, _ = run(order("packshot-white", SQUARE, OutputSpec("big", 400, 300, "PNG")))

    assert list(files) != []
    assert [file.name for file in result.files] == ["shop", "big", "preview", "cutout"]
    assert {file.object_key for file in result.files} == set(files)
    assert set(files) == {
        f"acme/w1/2/{n}" for n in ("shop.jpg", "big.png", "preview.webp", "cutout.png")
    }
    for file in result.files:
        data = files[file.object_key]
        with Pillow.open(io.BytesIO(data)) as picture:
            assert picture.size == (file.width_px, file.height_px)
            assert picture.format == file.file_format
        assert file.size_bytes == len(data)
        assert file.sha256 == hashlib.sha256(data).hexdigest()


def test_the_result_names_engine_versions_steps_and_survives_json():
    result, _, _ = run(order())

    assert result.engine == "alpha/1"
    assert set(result.versions) == {"packshot", "numpy", "opencv", "pillow", "python"}
    assert list(result.step_seconds) == ["cut_out", "set_scene", "finish shop", "check"]
    assert (result.work_item, result.attempt, result.seed) == ("w1", 2, 11)
    assert result_from_json(result.to_json()) == result


def test_progress_counts_up_in_the_sellers_words():
    _, _, reports = run(order("packshot-white", SQUARE, OutputSpec("small", 160, 160)))

    labels = list(dict.fromkeys(label for _, _, label, _ in reports))
    shares = [share for _, _, _, share in reports]
    assert labels == [
        "Cutting out",
        "Setting the scene",
        "Finishing shop",
        "Finishing small",
        "Checking",
    ]
    assert {steps for _, steps, _, _ in reports} == {5}
    assert shares == sorted(shares)
    assert shares[0] >= 0
    assert shares[-1] < 1


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_a_white_packshot_is_exactly_white_after_decoding(file_format):
    output = OutputSpec("amazon-main", 400, 400, file_format, 80, 0.87, exact_white=True)

    result, files, _ = run(order("packshot-white", output), jar(noise=40))

    picture = pixels_of(files[result.files[0].object_key])
    product = (picture < 235).any(axis=2)
    near = cv2.dilate(product.astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
    assert (picture[~near] == 255).all()
    assert all((edge == 255).all() for edge in (picture[0], picture[-1], picture[:, 0]))
    assert result.files[0].checks["warnings"] == []
    assert result.files[0].checks["white_share"] == 1


def test_exact_white_is_not_given_up_for_weight():
    output = OutputSpec("amazon-main", 400, 400, "JPEG", 80, 0.87, exact_white=True, max_bytes=9000)

    result, _, _ = run(order("packshot-white", output), jar(noise=40))

    assert result.files[0].checks["white_share"] == 1
    assert result.files[0].checks["warnings"] == ["too_large"]


def test_white_to_the_edge_yields_to_weight_where_nobody_demands_it():
    output = OutputSpec("shopify", 400, 400, "JPEG", 90, 0.87)
    free = run(order("packshot-white", output), jar(noise=40))[0].files[0]

    light = run(
        order("packshot-white", replace(output, max_bytes=free.size_bytes // 2)), jar(noise=40)
    )[0].files[0]

    assert free.checks["white_share"] == 1
    assert light.size_bytes <= free.size_bytes // 2
    assert 0.9 < light.checks["white_share"] < 1
    assert light.checks["warnings"] == []


def test_fill_and_margins_measured_from_the_picture_are_as_asked():
    result, files, _ = run(order("packshot-white", OutputSpec("a", 500, 500, "PNG", fill=0.8)))

    dark = (pixels_of(files["acme/w1/2/a.png"]) < 250).any(axis=2)
    rows, columns = np.flatnonzero(dark.any(1)), np.flatnonzero(dark.any(0))
    assert (rows[-1] - rows[0] + 1) / 500 == pytest.approx(0.8, abs=0.01)
    assert abs(rows[0] - (499 - rows[-1])) <= 5
    assert abs(columns[0] - (499 - columns[-1])) <= 5
    assert result.files[0].checks["fill"] == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize("slug", list(SCENES))
def test_the_product_is_unaltered_in_every_scene(slug):
    result, _, _ = run(order(slug))

    assert result.fidelity["delta_e_mean"] < 0.3
    assert result.fidelity["delta_e_p99"] < 1.2
    assert result.fidelity["silhouette_iou"] > 0.98


@pytest.mark.parametrize("slug", ["packshot-white", "oak-window", "seamless-sand"])
def test_the_same_order_gives_the_same_bytes(slug):
    outputs = (SQUARE, OutputSpec("b", 240, 240, "WEBP"), OutputSpec("c", 200, 320, "PNG"))

    assert run(order(slug, *outputs))[1] == run(order(slug, *outputs))[1]


def test_another_seed_gives_another_table():
    first = run(order("oak-window"))[1]

    second = run(order("oak-window", seed=12))[1]

    assert first["acme/w1/2/shop.jpg"] != second["acme/w1/2/shop.jpg"]
    assert first["acme/w1/2/cutout.png"] == second["acme/w1/2/cutout.png"]


def test_a_smaller_output_shows_the_same_picture():
    outputs = (OutputSpec("a", 400, 400, "PNG"), OutputSpec("b", 200, 200, "PNG"))
    without_grain = replace(SCENES["oak-window"], grain=0)

    _, files, _ = run(order("oak-window", *outputs, scene=without_grain))

    large = pixels_of(files["acme/w1/2/a.png"]).astype(np.float32)
    small = pixels_of(files["acme/w1/2/b.png"]).astype(np.float32)
    reduced = cv2.resize(large, (200, 200), interpolation=cv2.INTER_AREA)
    # Blurred, because two good resampling kernels differ on the product's fine noise.
    difference = cv2.GaussianBlur(reduced, (0, 0), 2) - cv2.GaussianBlur(small, (0, 0), 2)
    assert np.abs(difference).mean() < 0.7


def test_the_canvases_fill_wins_over_the_scenes():
    result, _, _ = run(
        order("packshot-white", replace(SQUARE, fill=0.5), replace(SQUARE, name="b", fill=0.9))
    )

    assert result.files[0].checks["fill"] == pytest.approx(0.5, abs=0.01)
    assert result.files[1].checks["fill"] == pytest.approx(0.9, abs=0.01)


def test_a_scene_for_a_channel_that_demands_white_says_so():
    result, _, _ = run(order("oak-window", replace(SQUARE, exact_white=True)))

    assert "background_not_white" in result.files[0].checks["warnings"]


def test_an_enlarged_product_is_reported():
    result, _, _ = run(order("packshot-white", OutputSpec("large", 1000, 1000)))

    assert result.files[0].checks["upscale"] == pytest.approx(1000 * 0.87 / 235, rel=0.03)
    assert "enlarged" in result.files[0].checks["warnings"]


def test_a_product_cut_by_its_photo_is_reported():
    result, _, _ = run(order(), jar(left=-5))

    assert "touches_frame" in result.files[0].checks["warnings"]


def test_a_file_is_made_light_enough_where_that_is_possible():
    free = run(order("oak-window", SQUARE))[0].files[0].size_bytes
    limit = int(free * 0.75)

    result, _, _ = run(order("oak-window", replace(SQUARE, max_bytes=limit)))

    assert result.files[0].size_bytes <= limit
    assert result.files[0].checks["warnings"] == []


def test_a_file_that_cannot_be_made_light_enough_says_so():
    result, _, _ = run(order("oak-window", replace(SQUARE, max_bytes=900)))

    assert "too_large" in result.files[0].checks["warnings"]


def test_a_cutout_order_keeps_transparency_whatever_the_scene():
    what = order("oak-window", OutputSpec("free", 300, 300, "PNG"), kind="cutout")

    result, files, _ = run(what)

    picture = pixels_of(files["acme/w1/2/free.png"])
    assert picture.shape == (300, 300, 4)
    assert picture[0, 0, 3] == 0
    assert picture[150, 150, 3] == 255
    assert result.files[0].checks["warnings"] == []


def test_a_jpeg_of_a_cutout_stands_on_white_and_says_so():
    result, files, _ = run(order("packshot-white", SQUARE, kind="cutout"))

    assert (pixels_of(files["acme/w1/2/shop.jpg"])[0] == 255).all()
    assert "transparency_lost" in result.files[0].checks["warnings"]


def test_the_cutout_file_has_the_size_of_the_source():
    _, files, _ = run(order())

    cutout = pixels_of(files["acme/w1/2/cutout.png"])
    assert cutout.shape == (360, 360, 4)
    assert cutout[5, 5, 3] == 0


def test_a_solid_color_with_shadows_shows_them():
    scene = replace(
        SCENES["packshot-white"], color="#dddddd", light=Light(contact_shadow=0.8, cast_shadow=0.4)
    )

    _, files, _ = run(order("packshot-white", OutputSpec("a", 300, 300, "PNG"), scene=scene))

    picture = pixels_of(files["acme/w1/2/a.png"])
    below = picture[:, 150].min(axis=1)[150:]
    assert (picture[0] == 0xDD).all()
    assert below[-12:].min() > 120
    assert picture.min(axis=2)[:, 30:60].min() < 0xDD or picture[:, 240:270].min() < 0xDD


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"kind": "hologram"}, "hologram"),
        ({"outputs": ()}, "at least one output"),
        ({"outputs": (SQUARE, SQUARE)}, "differ"),
        ({"outputs": (replace(SQUARE, name="cutout"),)}, "differ"),
        ({"outputs": (replace(SQUARE, name="../up"),)}, "slug"),
        ({"outputs": (replace(SQUARE, width_px=90000),)}, "4000"),
        ({"outputs": (replace(SQUARE, file_format="BMP"),)}, "BMP"),
    ],
)
def test_an_order_that_cannot_be_made_is_refused_before_anything_is_read(changes, says):
    what = replace(order(), **changes)

    with pytest.raises(OrderInvalid, match=says):
        render(what, read=lambda _key: pytest.fail("read"), write={}.__setitem__, report=print)


@pytest.mark.parametrize("source", [b"", b"no picture", jar()[:500]])
def test_an_unreadable_photo_is_refused(source):
    with pytest.raises(SourceUnusable):
        run(order(), source)


def test_a_photo_without_a_product_is_refused():
    file = io.BytesIO()
    Pillow.fromarray(np.zeros((200, 200, 4), np.uint8)).save(file, "PNG")

    with pytest.raises(SourceUnusable):
        run(order(), file.getvalue())


def test_a_speck_is_no_product():
    pixels = np.zeros((200, 200, 4), np.uint8)
    pixels[100:110, 100:110] = 255
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, "PNG")

    with pytest.raises(SourceUnusable, match="no product"):
        run(order(), file.getvalue())


def test_a_scene_preview_is_a_small_square_webp():
    with Pillow.open(io.BytesIO(make_scene_preview(jar(), SCENES["seamless-sage"]))) as picture:
        assert (picture.format, picture.size) == ("WEBP", (480, 480))


def test_what_goes_in_stands_beside_what_comes_out():
    made = pixels_of(before_and_after(jar(), SCENES["seamless-sage"], whole=jar()))

    assert made.shape == (640, 1280, 3)
    assert made[:, :640].std() > 5
    assert (made[5, 5].astype(int) - (0xE9, 0xE9, 0xE9)).max() < 4
    assert made[5, 1270, 1] > made[5, 1270, 0] + 4


def test_every_scene_has_its_card():
    for slug in SCENES:
        with Pillow.open(FOLDER / f"{slug}.webp") as picture:
            assert picture.size == (480, 480)


def test_a_photo_is_cut_out_once_and_its_pictures_are_the_same():
    what = order("oak-window", cutout_key="photos/acme/p/cutout-0.png")
    store: dict[str, bytes] = {what.source_key: plain_photo()}

    first = render_into(store, what)
    store["probe"] = store[what.source_key]
    del store["acme/w1/2/shop.jpg"]
    second = render_into(store, what)

    assert first.engine == second.engine == classical_segmenter.VERSION
    assert first.confidence == second.confidence
    assert [file.sha256 for file in first.files] == [file.sha256 for file in second.files]


def test_a_cutout_that_a_person_corrected_is_what_is_drawn():
    what = order("packshot-white", cutout_key="photos/acme/p/cutout-1.png")
    photo = plain_photo()
    own = np.zeros((240, 320), np.float32)
    own[40:100, 60:120] = 1
    color = to_linear(decode(photo).photo)
    asset = CutoutAsset(Cutout(color=color, matte=own, confidence=1.0), BY_HAND)
    store = {what.source_key: photo, what.cutout_key: write_asset(asset)}

    result = render_into(store, what)

    assert result.engine == BY_HAND
    alpha = pixels_of(store["acme/w1/2/cutout.png"])[..., 3]
    assert int((alpha == 255).sum()) == 60 * 60


def test_a_cutout_of_an_older_engine_is_made_anew():
    what = order("packshot-white", cutout_key="k/cutout.png")
    photo = plain_photo()
    whole = np.ones((240, 320), np.float32)
    asset = CutoutAsset(Cutout(to_linear(decode(photo).photo), whole, 1.0), "classical/0")
    store = {what.source_key: photo, what.cutout_key: write_asset(asset)}

    assert render_into(store, what).engine == classical_segmenter.VERSION
    assert read_asset(store[what.cutout_key]).engine == classical_segmenter.VERSION


@pytest.mark.parametrize("data", [b"", b"no picture", jar()])
def test_a_kept_cutout_that_is_none_of_ours_is_named(data: bytes):
    what = order("packshot-white", cutout_key="k/cutout.png")
    with pytest.raises(SourceUnusable, match="kept cutout cannot be read"):
        render_into({what.source_key: jar(), what.cutout_key: data}, what)


def test_the_transparent_file_is_the_kept_one_without_its_note():
    what = order("packshot-white", cutout_key="k/cutout.png")
    store = {what.source_key: plain_photo()}

    render_into(store, what)

    kept, shown = store["k/cutout.png"], store["acme/w1/2/cutout.png"]
    assert np.array_equal(pixels_of(kept), pixels_of(shown))
    with Pillow.open(io.BytesIO(shown)) as picture:
        assert set(picture.info) == {"icc_profile"}
        assert picture.info["icc_profile"] == srgb_profile()


def test_pictures_and_words_that_a_kind_does_not_know_are_refused():
    with pytest.raises(OrderInvalid, match="uses no picture back"):
        run(order(extras={"back": "x"}))
    with pytest.raises(OrderInvalid, match="uses no text headline"):
        run(order(texts={"headline": "Sale"}))


def render_into(store: dict[str, bytes], what: RenderOrder) -> RenderResult:
    def read(key: str) -> bytes:
        if key not in store:
            raise ObjectMissing(key)
        return store[key]

    return render(what, read=read, write=store.__setitem__, report=lambda *_step: None)


def plain_photo() -> bytes:
    """A dark red box on pale gray paper, as PNG."""
    picture = np.full((240, 320, 3), 226, np.uint8)
    picture[70:200, 110:210] = (120, 30, 34)
    picture[70:95, 110:210] = (70, 18, 22)
    return encode(picture, "PNG")
