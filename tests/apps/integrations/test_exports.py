"""Exports: only what is approved, named for people, whole, and never lost."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from apps.catalog.models import Product, SourcePhoto
from apps.core import queue, storage
from apps.core.clock import now
from apps.core.embedded_redis import RedisServer
from apps.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from apps.integrations.export_names import file_name
from apps.integrations.models import Export
from apps.integrations.services.exports import build_export, request_export, ring_unheard
from apps.review.services import decide, open_reviews, undo
from apps.studio.models import Render, Shoot, Shot
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from tests.cast import Person

pytestmark = pytest.mark.django_db


def _file(name: str, data: bytes, file_format: str = "JPEG") -> dict[str, Any]:
    key = f"renders/test/{name}-{hashlib.sha256(data).hexdigest()[:8]}"
    storage.put(key, data)
    return {
        "name": name,
        "object_key": key,
        "width_px": 2000,
        "height_px": 2000,
        "file_format": file_format,
        "size_bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "checks": {"fill": 0.87},
    }


@pytest.fixture
def shoot(ateliers: Tenant) -> Shoot:
    with tenant_scope(ateliers.pk):
        return Shoot.objects.create(
            number=1, scene_slug="packshot-white", scene={}, credits=3, ordered_by="ben"
        )


@pytest.fixture
def renders(shoot: Shoot) -> list[Render]:
    """Three finished renders of three products, waiting for their verdict."""
    made = []
    with tenant_scope(shoot.tenant_id):
        for number in range(1, 4):
            product = Product.objects.create(sku=f"AMB {number}/ö", title=f"Bottle {number}")
            photo = SourcePhoto.objects.create(
                product=product, view="front", file_name="x.jpg", sha256=f"{number:064d}",
                width_px=10, height_px=10, size_bytes=10,
            )  # fmt: skip
            shot = Shot.objects.create(shoot=shoot, photo=photo, position=number)
            files = [
                _file("amazon-main", b"amazon %d" % number),
                _file("web-shop", b"shop %d" % number, "PNG"),
                _file("preview", b"preview %d" % number, "WEBP"),
                _file("cutout", b"cutout %d" % number, "PNG"),
            ]
            render = Render.objects.create(
                shoot=shoot, shot=shot, seed=number, state="succeeded", files=files
            )
            open_reviews([render])
            made.append(render)
    return made


def _approve(person: Person, *renders: Render) -> None:
    for render in renders:
        decide(actor=person.actor, render_id=render.pk, verdict="approve")


def _archive(export: Export) -> zipfile.ZipFile:
    export.refresh_from_db()
    assert export.state == "ready", export.failure_detail
    return zipfile.ZipFile(io.BytesIO(storage.read(export.object_key)))


def test_an_archive_holds_the_approved_files_and_a_manifest(
    in_ateliers: Tenant, rita: Person, shoot: Shoot, renders: list[Render]
) -> None:
    _approve(rita, renders[0], renders[2])

    export = request_export(actor=rita.actor, shoot_id=shoot.pk)
    build_export(export.pk)

    archive = _archive(export)
    assert sorted(archive.namelist()) == [
        "AMB-1_front_amazon-main_2000x2000.jpg",
        "AMB-1_front_web-shop_2000x2000.png",
        "AMB-3_front_amazon-main_2000x2000.jpg",
        "AMB-3_front_web-shop_2000x2000.png",
        "manifest.json",
    ]
    entry = json.loads(archive.read("manifest.json"))["files"][0]
    assert hashlib.sha256(archive.read(entry["file"])).hexdigest() == entry["sha256"]
    assert (entry["approved_by"], entry["render"]) == (rita.actor.label, renders[0].pk)


def test_only_the_sales_channels_asked_for_are_inside(
    in_ateliers: Tenant, rita: Person, renders: list[Render]
) -> None:
    _approve(rita, renders[0])

    export = request_export(
        actor=rita.actor, render_ids=[renders[0].pk], sales_channels=["amazon-main"]
    )
    build_export(export.pk)

    assert len(_archive(export).namelist()) == 2


def test_named_renders_must_all_be_approved(
    in_ateliers: Tenant, rita: Person, renders: list[Render]
) -> None:
    _approve(rita, renders[0])

    with pytest.raises(ConflictError) as refused:
        request_export(actor=rita.actor, render_ids=[renders[0].pk, renders[1].pk])

    assert refused.value.data["renders"] == [renders[1].pk]
    assert not Export.objects.exists()


def test_a_verdict_undone_before_the_build_keeps_its_render_out(
    in_ateliers: Tenant, rita: Person, shoot: Shoot, renders: list[Render]
) -> None:
    _approve(rita, renders[0], renders[1])
    export = request_export(actor=rita.actor, shoot_id=shoot.pk)

    undo(actor=rita.actor, render_id=renders[0].pk)
    build_export(export.pk)

    assert all(name.startswith(("AMB-2", "manifest")) for name in _archive(export).namelist())


def test_an_archive_of_nothing_fails_with_its_reason(
    in_ateliers: Tenant, rita: Person, shoot: Shoot, renders: list[Render]
) -> None:
    _approve(rita, renders[0])
    export = request_export(actor=rita.actor, shoot_id=shoot.pk)

    undo(actor=rita.actor, render_id=renders[0].pk)
    build_export(export.pk)

    export.refresh_from_db()
    assert (export.state, export.object_key) == ("failed", "")
    assert "approved" in export.failure_detail


def test_a_damaged_file_is_never_shipped(
    in_ateliers: Tenant, rita: Person, shoot: Shoot, renders: list[Render]
) -> None:
    _approve(rita, renders[0])
    export = request_export(actor=rita.actor, shoot_id=shoot.pk)
    storage.put(renders[0].files[0]["object_key"], b"something else")

    build_export(export.pk)

    export.refresh_from_db()
    assert export.state == "failed"
    assert "differs" in export.failure_detail


def test_building_twice_builds_once(
    in_ateliers: Tenant, rita: Person, shoot: Shoot, renders: list[Render]
) -> None:
    _approve(rita, renders[0])
    export = request_export(actor=rita.actor, shoot_id=shoot.pk)
    build_export(export.pk)
    export.refresh_from_db()
    finished_at = export.finished_at

    build_export(export.pk)

    export.refresh_from_db()
    assert (export.state, export.finished_at) == ("ready", finished_at)


@pytest.mark.parametrize("what", [{}, {"shoot_id": "sho_x", "render_ids": ["rnd_x"]}])
def test_an_export_names_one_thing(in_ateliers: Tenant, rita: Person, what: dict[str, Any]) -> None:
    with pytest.raises(InvalidError):
        request_export(actor=rita.actor, **what)


def test_a_viewer_exports_nothing(
    in_ateliers: Tenant, vera: Person, rita: Person, shoot: Shoot, renders: list[Render]
) -> None:
    _approve(rita, renders[0])

    with pytest.raises(ForbiddenError):
        request_export(actor=vera.actor, shoot_id=shoot.pk)


def test_a_foreign_render_is_not_found(eve: Person, renders: list[Render]) -> None:
    with tenant_scope(eve.tenant.pk), pytest.raises(NotFoundError):
        request_export(actor=eve.actor, render_ids=[renders[0].pk])


@pytest.mark.django_db(transaction=True)
def test_a_lost_doorbell_is_rung_again(
    redis_server: RedisServer, ateliers: Tenant, rita: Person, shoot: Shoot, renders: list[Render]
) -> None:
    with tenant_scope(ateliers.pk):
        _approve(rita, renders[0])
        export = request_export(actor=rita.actor, shoot_id=shoot.pk)
        with queue.connection() as client:
            client.flushall()
        ring_unheard()
        assert queue.queue_length("chores") == 0, "one that was just asked for is left alone"
        Export.objects.filter(pk=export.pk).update(requested_at=now() - timedelta(minutes=1))

    ring_unheard()

    assert queue.queue_length("chores") == 1


def test_a_signed_link_ends_with_the_approval_and_cannot_be_forged(
    in_ateliers: Tenant, rita: Person, renders: list[Render], client: Client
) -> None:
    from apps.integrations.links import FileLink, link_url

    _approve(rita, renders[0])
    url = link_url(FileLink(in_ateliers.pk, "render", renders[0].pk, "amazon-main"))

    answer = client.get(url)
    assert b"".join(answer.streaming_content) == b"amazon 1"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert client.get(url[:-2] + "xx").status_code == 404
    undo(actor=rita.actor, render_id=renders[0].pk)
    assert client.get(url).status_code == 409


def test_an_unapproved_file_is_not_downloaded_from_the_page_either(
    as_alice: Client, alice: Person, renders: list[Render]
) -> None:
    address = reverse(
        "integrations:download-render", args=["ateliers", renders[0].pk, "amazon-main"]
    )

    assert as_alice.get(address).status_code == 409
    with tenant_scope(alice.tenant.pk):
        _approve(alice, renders[0])
    answer = as_alice.get(address)
    assert (answer.status_code, b"".join(answer.streaming_content)) == (200, b"amazon 1")


def test_the_list_shows_an_export_and_its_download(
    as_alice: Client, alice: Person, shoot: Shoot, renders: list[Render]
) -> None:
    with tenant_scope(alice.tenant.pk):
        _approve(alice, renders[0])
    as_alice.post(reverse("integrations:new-export", args=["ateliers"]), {"shoot": shoot.pk})
    with tenant_scope(alice.tenant.pk):
        export = Export.objects.get()
        build_export(export.pk)

    page = as_alice.get(reverse("integrations:exports", args=["ateliers"]))

    assert reverse("integrations:download-export", args=["ateliers", export.pk]) in page.text
    archive = as_alice.get(reverse("integrations:download-export", args=["ateliers", export.pk]))
    assert archive["Content-Disposition"].endswith('.zip"')
    assert zipfile.is_zipfile(io.BytesIO(b"".join(archive.streaming_content)))


@given(st.text(max_size=80), st.text(max_size=80))
def test_a_name_is_safe_on_every_file_system(sku: str, view: str) -> None:
    name = file_name(
        sku=sku, view=view, sales_channel="ebay", width_px=1, height_px=2, file_format="PNG"
    )

    assert re.fullmatch(r"[A-Za-z0-9._\-]+_ebay_1x2\.png", name)
    assert not name.startswith((".", "-"))


@given(st.lists(st.sampled_from(["A", "a", "B"]), max_size=12))
def test_no_two_files_share_a_name_even_where_case_does_not_count(skus: list[str]) -> None:
    taken: set[str] = set()
    for sku in skus:
        name = file_name(
            sku=sku, view="main", sales_channel="ebay", width_px=1, height_px=1,
            file_format="JPEG", taken=taken,
        )  # fmt: skip
        assert name.lower() not in taken
        taken.add(name.lower())
