"""Pictures with words: what stands on canvases of all proportions and in languages of all kinds.

Contrast is measured here on the pixels of the finished picture, not taken from its own account.
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace
from typing import get_args

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from gpu_workers.errors import OrderInvalid, SourceUnusable
from gpu_workers.imaging.arrays import to_linear
from gpu_workers.imaging.codec import decode_photo
from gpu_workers.imaging.color import luminance
from gpu_workers.imaging.composite import quantise
from gpu_workers.imaging.layout.ink import contrast
from gpu_workers.imaging.layout.zones import grown, safe_box
from gpu_workers.kind_options.brand_kit import BrandKit, branded
from gpu_workers.kind_options.collateral import CollateralOptions, Layout
from gpu_workers.kind_options.font_family import FONT_FAMILIES
from gpu_workers.pipelines import collateral
from gpu_workers.pipelines.collateral import Lettered, obtain_collateral
from gpu_workers.pipelines.inputs import Inputs
from gpu_workers.pipelines.runner import render
from gpu_workers.pipelines.table import PIPELINES
from gpu_workers.protocol import OutputSpec, RenderOrder
from gpu_workers.scene_spec import builtin_scenes, scene_from_json

SCENES = {slug: each for slug, each in builtin_scenes().items() if each.kind == "collateral"}
LAYOUTS = get_args(Layout)
COPY = {
    "en": ("Made to be used every day", "Small batches, sent in a week.", "€49", "€65", "Shop now"),
    "de": ("Schlussverkauf: alles zum halben Preis", "Versand frei.", "49,99 €", "80 €", "Kaufen"),
    "ar": (
        "تخفيضات الصيف: خصم 50%",
        "توصيل مجاني لجميع الطلبات.",
        "199 ر.س",
        "399 ر.س",
        "تسوّق الآن",
    ),
    "he": ("מבצע סוף עונה: 50% הנחה", "משלוח חינם.", "₪199", "₪399", "לקנייה"),
    "zh": ("夏日特惠，全场五折", "满99元免运费。", "¥199", "¥399", "立即购买"),
    "ja": ("夏の大セール、今だけ「半額」", "送料無料でお届け。", "¥4,980", "¥9,800", "購入"),
    "ko": ("여름 특별 세일, 전 품목 반값", "내일 도착합니다.", "49,000원", "98,000원", "구매"),
    "hi": ("हर चीज़ पर आधी छूट", "मुफ़्त डिलीवरी।", "₹1,999", "₹3,999", "खरीदें"),
    "th": ("ลดครึ่งราคาทุกชิ้น", "จัดส่งฟรี", "฿499", "฿999", "ซื้อเลย"),
    "vi": ("Giảm giá mùa hè", "Miễn phí vận chuyển.", "499.000 ₫", "999.000 ₫", "Mua ngay"),
    "el": ("Καλοκαιρινές εκπτώσεις", "Δωρεάν αποστολή.", "49,90 €", "69,90 €", "Αγορά"),
    "ru": ("Летняя распродажа", "Бесплатная доставка.", "3 990 ₽", "5 490 ₽", "Купить"),
}
NAMES = ("headline", "subline", "price", "old_price", "call_to_action")


def bottle(width: int = 60, height: int = 200) -> bytes:
    color = np.full((280, 280, 3), (60, 110, 80), np.uint8)
    color[120:200] = (230, 225, 210)
    alpha = np.zeros((280, 280), np.uint8)
    left, top = 140 - width // 2, 240 - height
    cv2.rectangle(alpha, (left, top), (left + width, 240), 255, -1)
    alpha = cv2.GaussianBlur(alpha, (0, 0), 0.7)
    return png(np.dstack([color, alpha]))


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def mark(level: int) -> bytes:
    pixels = np.zeros((40, 160, 4), np.uint8)
    pixels[8:32, 10:150] = (level, level, level, 255)
    return png(pixels)


def order(slug: str = "banner-sand", **changes: object) -> RenderOrder:
    values: dict[str, object] = {
        "work_item": "w1",
        "attempt": 1,
        "tenant": "acme",
        "kind": "collateral",
        "source_key": "photo",
        "scene": SCENES[slug],
        "outputs": (OutputSpec("post", 400, 400, file_format="PNG"),),
        "seed": 3,
        "result_prefix": "",
        "texts": {"headline": "Made to be used"},
    }
    return RenderOrder(**{**values, **changes})


def with_options(slug: str = "banner-sand", **options: object):
    scene = SCENES[slug]
    return replace(scene, options=replace(scene.options, **options))


def copy_in(language: str, layout: str = "banner_left") -> dict[str, str]:
    if layout == "badge_only":
        return {"badge": "−50%", "legal": COPY[language][1]}
    return {**dict(zip(NAMES, COPY[language], strict=True)), "badge": "−50%"}


def run(wanted: RenderOrder, photo: bytes | None = None, logo: bytes = b""):
    files: dict[str, bytes] = {}
    keys = {"photo": photo or bottle(), "logo": logo}
    result = render(wanted, read=keys.__getitem__, write=files.__setitem__, report=lambda *_: None)
    return result, files


def subject_for(wanted: RenderOrder, photo: bytes, logo: bytes) -> Lettered:
    keys = {"photo": photo, "logo": logo}
    wanted = replace(wanted, extras={"logo": "logo"} if logo else {})
    inputs = Inputs(wanted, read=keys.__getitem__, write=lambda *_: None, tell=lambda _: None)
    subject = obtain_collateral(inputs)
    assert isinstance(subject, Lettered)
    return subject


def canvas_with_texts(wanted: RenderOrder, size: tuple[int, int], photo: bytes, logo: bytes = b""):
    """The composed canvas, its 8-bit pixels, and the texts as they were placed."""
    subject = subject_for(wanted, photo, logo)
    fill = wanted.scene.framing.fill
    made = PIPELINES["collateral"].compose(subject, wanted, size, fill)
    placed = collateral._settled(collateral._copy_of(wanted), wanted, size, subject)
    pixels = quantise(made.image, made.matte, grain=made.grain, seed=3)
    return made, pixels, placed


def contrast_on(pixels: np.ndarray, text) -> float:
    """Contrast of a text's ink to the pixels between its letters, but for a tenth of its box."""
    box = grown(text.ink, 1)
    ink = collateral._letters(text, box)
    light = luminance(to_linear(pixels[box.top : box.bottom, box.left : box.right]))
    near = cv2.dilate(ink, np.ones((3, 3))) > 0
    inner, ground = ink > min(0.97, 0.97 * ink.max()), ~near
    own = np.median(light[inner])
    high, low = np.maximum(light[ground], own), np.minimum(light[ground], own)
    ratios = np.sort((high + 0.05) / (low + 0.05))
    return float(ratios[min(light.size // 10, ratios.size - 1)])


@given(
    st.sampled_from(sorted(SCENES)),
    st.sampled_from(LAYOUTS),
    st.sampled_from(sorted(COPY)),
    st.sampled_from([(640, 160), (480, 252), (420, 340), (360, 360), (300, 375), (300, 534)]),
    st.sampled_from([(60, 200), (200, 90), (140, 140)]),
    st.sampled_from(["margin", "story"]),
)
@settings(max_examples=16, deadline=None)
def test_words_can_be_read_and_stay_where_they_are_safe(slug, layout, language, size, shape, area):
    scene = with_options(slug, layout=layout, safe_area=area)
    wanted = order(slug, scene=scene, texts=copy_in(language, layout))
    is_small = area == "story" or min(size) < 300
    refusal = contextlib.suppress(OrderInvalid) if is_small else contextlib.nullcontext()
    made = None
    with refusal:
        made, pixels, (_, room, stack, _) = canvas_with_texts(wanted, size, bottle(*shape))
    if made is None:
        return

    safe = safe_box(area, size)
    for text in stack.texts:
        box = text.button or text.ink
        assert safe.left - 2 <= box.left
        assert box.right <= safe.right + 2
        assert safe.top - 2 <= box.top
        assert box.bottom <= safe.bottom + 2
        assert text.size >= 0.022 * room.side
        if text.size >= 16 and text.button is None:
            assert contrast_on(pixels, text) >= 4.4
    assert made.checks["text_contrast_min"] >= 4.5
    assert made.checks["text_overlaps_product"] < 0.1
    assert made.placement is not None


@pytest.mark.parametrize("slug", sorted(SCENES))
def test_every_template_makes_a_picture_with_its_product_as_photographed(slug):
    layout = SCENES[slug].options.layout
    result, files = run(order(slug, texts=copy_in("en", layout)))

    assert result.fidelity["delta_e_mean"] < 0.5
    assert result.fidelity["silhouette_iou"] > 0.99
    assert set(result.files[0].checks["warnings"]) <= {"enlarged"}
    assert decode_photo(files["post.png"]).shape == (400, 400, 3)


def test_the_same_order_makes_the_same_picture():
    assert run(order(texts=copy_in("ar")))[1] == run(order(texts=copy_in("ar")))[1]


def test_a_busy_ground_gets_a_field_under_its_words():
    marble = scene_from_json(
        {
            **SCENES["banner-oak"].to_json(),
            "material": "stone",
            "material_color": "#777777",
            "color": "#777777",
        }
    )
    wanted = order(scene=marble, texts={"headline": "Words on gray"})
    made, pixels, (_, _, stack, _) = canvas_with_texts(wanted, (600, 314), bottle())

    assert made.checks["text_contrast_min"] >= 4.5
    assert contrast_on(pixels, stack.texts[0]) >= 4.5


def test_an_arabic_banner_is_mirrored():
    def middle(language: str) -> float:
        made, _, _ = canvas_with_texts(order(texts=copy_in(language)), (600, 314), bottle())
        return float(made.matte.sum(axis=0) @ np.arange(600) / made.matte.sum())

    assert middle("en") > 330
    assert middle("ar") < 270


def test_a_centered_price_and_its_button_are_mirrored_too():
    def is_price_first(language: str) -> bool:
        wanted = order("post-centered", texts=copy_in(language))
        _, _, (_, _, stack, _) = canvas_with_texts(wanted, (360, 480), bottle(200, 120))
        left = {text.name: text.ink.left for text in stack.texts}
        return left["price"] < left["old_price"] < left["call_to_action"]

    assert is_price_first("en")
    assert not is_price_first("ar")


def test_a_hanging_product_has_its_words_below():
    pixels = np.zeros((280, 280, 4), np.uint8)
    pixels[..., :3] = (180, 60, 40)
    pixels[:120, 138:142, 3] = 255
    pixels[120:240, 90:190, 3] = 255
    wanted = order("post-centered")
    made, _, (_, _, stack, _) = canvas_with_texts(wanted, (400, 400), png(pixels))

    assert stack.box.top > 200
    assert made.matte[0].max() > 0.5
    assert made.checks["text_overlaps_product"] == 0


def test_a_badge_hides_nothing_of_the_product():
    made, _, _ = canvas_with_texts(
        order("sale-badge", texts={"badge": "−25 %"}), (400, 400), bottle(200, 210)
    )

    assert made.checks["text_overlaps_product"] < 0.05


def test_a_badge_grows_for_words_that_could_not_be_read():
    def share(words: str) -> float:
        _, pixels, _ = canvas_with_texts(
            order("sale-badge", texts={"badge": words}), (300, 300), bottle()
        )
        return float((np.abs(pixels.astype(int) - (0xD0, 0x02, 0x1B)).max(axis=2) < 6).mean())

    assert share("Wochenendangebot") > 1.2 * share("New")


@pytest.mark.parametrize("shape", ["circle", "burst", "ribbon", "pill"])
def test_a_badge_is_painted_in_the_accent_color(shape):
    scene = with_options("sale-badge", badge_shape=shape, accent="#d0021b")
    _, pixels, _ = canvas_with_texts(
        order(scene=scene, texts={"badge": "New"}), (300, 300), bottle()
    )

    is_accent = (np.abs(pixels.astype(int) - (0xD0, 0x02, 0x1B)).max(axis=2) < 6).mean()
    assert is_accent > 0.015


@pytest.mark.parametrize(
    ("level", "slug"), [(20, "banner-sand"), (20, "banner-night"), (250, "sale-badge")]
)
def test_a_logo_can_be_seen_on_any_ground(level, slug):
    wanted = order(slug, texts=copy_in("en", SCENES[slug].options.layout))
    _, pixels, (_, _, stack, _) = canvas_with_texts(wanted, (400, 400), bottle(), mark(level))

    light = luminance(to_linear(pixels))
    box, around = stack.logo, grown(stack.logo, 2)
    ring = light[around.top : around.bottom, around.left : around.right].copy()
    ring[2:-2, 2:-2] = np.nan
    logo = np.median(light[box.top : box.bottom, box.left : box.right])
    assert logo == pytest.approx(float(to_linear(np.uint8([level]))[0]), abs=0.01)
    assert contrast(float(logo), float(np.nanmedian(ring))) >= 1.6


@pytest.mark.parametrize(
    ("texts", "options", "message"),
    [
        ({}, {}, "give at least one of headline, subline, price"),
        ({"legal": "Only small print."}, {}, "give at least one of"),
        ({"headline": "Hello", "badge": "New"}, {"layout": "badge_only"}, "sets no headline"),
        ({"headline": "\U00012000"}, {}, r"headline: no font .*U\+12000"),
        ({"headline": "Hello"}, {"own_font": "Acme"}, "own_font: 'Acme'"),
    ],
)
def test_words_that_cannot_be_set_are_refused_before_the_photo_is_read(texts, options, message):
    wanted = order(scene=with_options(**options), texts=texts)

    with pytest.raises(OrderInvalid, match=message):
        run(wanted, photo=b"no picture")


def test_a_canvas_without_a_backdrop_is_refused():
    scene = replace(SCENES["banner-sand"], mode="none")

    with pytest.raises(OrderInvalid, match=r"scene\.mode"):
        run(order(scene=scene))


def test_a_text_is_readable_in_the_smallest_file_of_the_order():
    outputs = (OutputSpec("large", 600, 600), OutputSpec("small", 100, 100))
    legal = {"headline": "Sale", "legal": "Until Sunday, while stocks last, in all shops."}

    small = run(order(outputs=outputs, texts=legal))[0].files[0].checks["text_smallest"]
    large = run(order(outputs=outputs[:1], texts=legal))[0].files[0].checks["text_smallest"]

    assert small * 100 >= 9.9
    assert large < small


def test_a_logo_that_cannot_be_read_is_named():
    with pytest.raises(SourceUnusable, match="logo"):
        run(replace(order(), extras={"logo": "logo"}), logo=b"no picture")


def test_headlines_in_capitals_follow_their_language():
    scene = with_options(headline_case="upper", language="tr")
    words = collateral._copy_of(order(scene=scene, texts={"headline": "indirim"})).words

    assert words["headline"].text == "İNDİRİM"


def test_the_operators_fonts_are_used(monkeypatch, tmp_path):
    source = collateral._copy_of(order()).words["headline"].how.chain.faces[0].path
    (tmp_path / "Acme.ttf").write_bytes(source.read_bytes())
    monkeypatch.setenv("PACKSHOT_FONTS_DIR", str(tmp_path))
    wanted = order(scene=with_options(own_font="Acme"))

    faces = collateral._copy_of(wanted).words["headline"].how.chain.faces

    assert faces[0].path == tmp_path / "Acme.ttf"


colors = st.from_regex(r"#[0-9a-f]{6}", fullmatch=True)
families = st.sampled_from(sorted(FONT_FAMILIES))
kits = st.builds(
    BrandKit,
    primary=colors,
    secondary=colors,
    text=colors,
    headline_font=families,
    body_font=families,
)
parts = st.lists(st.sampled_from(("colors", "fonts", "logo")), unique=True).map(tuple)


@given(kits, kits, parts)
def test_a_brand_kit_takes_what_the_template_gives_and_is_final(kit, later, given_away):
    template = CollateralOptions(brand=given_away, own_font="Acme", layout="story")
    own = (template.primary, template.accent, template.ink)

    got = branded(template, kit)

    assert branded(got, later) == got
    assert got.layout == "story"
    theirs = (kit.primary, kit.secondary, kit.text)
    assert (got.primary, got.accent, got.ink) == (theirs if "colors" in given_away else own)
    fonts = (kit.headline_font, kit.body_font, "") if "fonts" in given_away else None
    assert (got.headline_font, got.font, got.own_font) == (fonts or (None, template.font, "Acme"))


def test_a_branded_banner_is_written_in_the_brands_letters():
    scene = with_options()
    kit = BrandKit(
        primary="#0b3d2e",
        secondary="#e76f51",
        text="#10221b",
        headline_font="serif",
        body_font="condensed",
    )
    scene = scene_from_json(replace(scene, options=branded(scene.options, kit)).to_json())

    words = collateral._copy_of(order(scene=scene)).words

    found = {name: each.how.chain.faces[0].path.name for name, each in words.items()}
    assert found["headline"].startswith("Playfair")
    assert {name for name, file in found.items() if file.startswith("Oswald")} == {
        *found.keys() - {"headline"}
    }
