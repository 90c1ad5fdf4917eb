"""The brand kit of a workspace: what is taken, what is refused, what an order keeps of it."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from apps.catalog.models import SourcePhoto
from apps.compute.models import WorkItem
from apps.core import storage
from apps.core.errors import ForbiddenError, InvalidError, NotFoundError
from apps.events.models import Event
from apps.studio.models import BrandKit, BrandLogo, Render, Shoot
from apps.studio.services.branding import LOGO_MAX_BYTES, drop_brand_kit, keep_brand_kit
from apps.studio.services.ordering import order_shoot, retry_render
from apps.tenants.scope import tenant_scope
from tests.apps.studio.conftest import make_photo
from tests.cast import Person

pytestmark = pytest.mark.usefixtures("redis_server")

VALUES = {
    "primary": "#0B3D2E",
    "secondary": "e76f51",
    "text": "#10221b",
    "headline_font": "serif",
    "body_font": "sans",
}


def logo(mode: str = "RGBA", size: tuple[int, int] = (200, 80), kind: str = "PNG") -> bytes:
    picture = Image.new(mode, size, (0, 0, 0, 0) if mode == "RGBA" else (0, 0, 0))
    picture.paste((180, 20, 40), (20, 20, size[0] - 20, size[1] - 20))
    exif = Image.Exif()
    exif[0x010E] = "a studio's secret"
    file = io.BytesIO()
    picture.save(file, kind, exif=exif)
    return file.getvalue()


def keep(person: Person, *, file: bytes | None = None, **changes: Any) -> BrandKit:
    with tenant_scope(person.tenant.pk):
        return keep_brand_kit(
            actor=person.actor,
            values={**VALUES, **changes},
            logo=None if file is None else [file],
        )


def order(person: Person, photo: SourcePhoto, scene: str = "banner-sand", **more: Any) -> Shoot:
    with tenant_scope(person.tenant.pk):
        return order_shoot(
            actor=person.actor,
            photo_ids=[photo.pk],
            scene_slug=scene,
            sales_channels=["shopify"],
            texts={"headline": "New"},
            **more,
        )


def sent(shoot: Shoot) -> list[dict[str, Any]]:
    with tenant_scope(shoot.tenant_id):
        return [item.order for item in WorkItem.objects.filter(group=shoot.pk).order_by("id")]


def test_a_banner_takes_the_kit_and_keeps_it_whatever_becomes_of_the_kit(
    adam: Person, ben: Person, photos: list[Any]
) -> None:
    kit = keep(adam, file=logo())

    shoot = order(ben, photos[0])
    keep(adam, file=logo(size=(300, 90)), primary="#ffffff", headline_font="condensed")
    with tenant_scope(adam.tenant.pk):
        drop_brand_kit(actor=adam.actor)
        render = Render.objects.get()
        Render.objects.update(state=Render.State.FAILED)
        retry_render(actor=ben.actor, render_id=render.pk)

    first, again = sent(shoot)
    options = first["scene"]["options"]
    assert (options["primary"], options["accent"], options["ink"]) == (
        "#0b3d2e",
        "#e76f51",
        "#10221b",
    )
    assert (options["headline_font"], options["font"]) == ("serif", "sans")
    assert kit.logo is not None
    assert first["extras"] == {"logo": kit.logo.object_key}
    assert (again["scene"], again["extras"]) == (first["scene"], first["extras"])
    assert storage.exists(kit.logo.object_key)


def test_without_a_kit_a_banner_looks_as_its_template_says(ben: Person, photos: list[Any]) -> None:
    shoot = order(ben, photos[0])

    [only] = sent(shoot)
    assert only["scene"]["options"]["primary"] == "#2b2118"
    assert only["extras"] == {}


@pytest.mark.parametrize(("chosen", "is_photo"), [("none", False), ("photo", True)])
def test_an_order_may_do_without_the_brands_logo_or_take_another(
    adam: Person, ben: Person, photos: list[Any], chosen: str, is_photo: bool
) -> None:
    keep(adam, file=logo())
    other = make_photo(ben.tenant, 50)

    shoot = order(ben, photos[0], pictures={"logo": other.pk if is_photo else chosen})

    assert sent(shoot)[0]["extras"] == ({"logo": other.photo_key} if is_photo else {})


def test_eves_kit_and_logo_reach_nobody_else(ben: Person, eve: Person, photos: list[Any]) -> None:
    theirs = keep(eve, file=logo())
    assert theirs.logo is not None

    shoot = order(ben, photos[0])

    assert sent(shoot)[0]["scene"]["options"]["primary"] == "#2b2118"
    with pytest.raises(NotFoundError):
        order(ben, photos[0], pictures={"logo": theirs.logo.pk})


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "brand.logo_svg"),
        (logo("RGB"), "brand.logo_opaque"),
        (logo("RGB", kind="JPEG"), "brand.logo_format"),
        (logo(size=(200, 50)), "brand.logo_too_small"),
        (logo(size=(4100, 70)), "brand.logo_too_many_pixels"),
        (logo()[:60], "brand.logo_unreadable"),
        (b"", "brand.logo_format"),
        (bytes(LOGO_MAX_BYTES + 1), "brand.logo_too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_no_logo_changes_nothing(adam: Person, file: bytes, code: str) -> None:
    with pytest.raises(InvalidError) as refused:
        keep(adam, file=file)

    assert refused.value.code == code
    with tenant_scope(adam.tenant.pk):
        assert (BrandKit.objects.count(), BrandLogo.objects.count()) == (0, 0)


def test_a_logo_is_kept_without_what_the_camera_or_program_wrote(adam: Person) -> None:
    kit = keep(adam, file=logo(kind="WEBP"))

    assert kit.logo is not None
    kept = storage.read(kit.logo.object_key)
    assert b"secret" not in kept
    with Image.open(io.BytesIO(kept)) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGBA", (200, 80))


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"primary": "navy"}, "primary: 'navy'"), ({"body_font": "comic"}, "body_font: 'comic'")],
)
def test_what_is_no_color_or_font_is_named(
    adam: Person, changes: dict[str, str], words: str
) -> None:
    with pytest.raises(InvalidError, match=words):
        keep(adam, **changes)


def test_a_producer_cannot_change_the_brand(ben: Person) -> None:
    with pytest.raises(ForbiddenError):
        keep(ben)


def test_an_admin_sets_the_kit_on_its_page_and_the_log_says_so(adam: Person) -> None:
    client = Client()
    client.force_login(adam.user)
    file = SimpleUploadedFile("logo.png", logo(), "image/png")

    wrong = client.post("/w/ateliers/brand/keep", {**VALUES, "text": "dark"})
    right = client.post("/w/ateliers/brand/keep", {**VALUES, "logo": file})
    page = client.get("/w/ateliers/brand/").content.decode()
    sample = client.get("/w/ateliers/brand/sample", {"text": "#cccccc"})
    half_typed = client.get("/w/ateliers/brand/sample", {"text": "#cccc"})
    order_page = client.get("/w/ateliers/shoots/new").content.decode()

    assert wrong.status_code == 422
    assert "&#x27;dark&#x27; is no color" in wrong.content.decode()
    assert right.status_code == 302
    assert 'value="#0b3d2e"' in page
    assert "Too pale to read" not in page
    assert "Too pale to read" in sample.content.decode()
    assert half_typed.status_code == 204
    assert "Brand logo" in order_page
    with tenant_scope(adam.tenant.pk):
        event = Event.objects.get()
        kept = BrandKit.objects.get()
    assert (event.kind, event.subject) == ("brand_kit.changed", kept.pk)
    shown = client.get(f"/w/ateliers/brand/logos/{kept.logo_id}")
    assert shown.content.startswith(b"\x89PNG")
