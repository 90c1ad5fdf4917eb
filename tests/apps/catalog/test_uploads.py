"""Taking in photos: through the service, the way the API does, and through the browser's view."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.catalog import upload_handlers
from apps.catalog.models import Product, SourcePhoto, Upload
from apps.catalog.services import samples, uploads
from apps.catalog.services.uploads import receive_upload
from apps.core import storage
from apps.core.errors import ForbiddenError, InvalidError
from apps.events.models import Event
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from tests import cast
from tests.apps.catalog import pictures
from tests.apps.catalog.conftest import Send, sender
from tests.cast import Person


def receive(person: Person, data: bytes, name: str = "AMB-250_front.jpg", **more: Any) -> Upload:
    return receive_upload(actor=person.actor, file_name=name, chunks=[data], **more)


def kinds() -> list[str]:
    return list(Event.objects.order_by("created_at").values_list("kind", flat=True))


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_photo_becomes_part_of_the_product_its_name_says(
    alice: Person, in_ateliers: Tenant
) -> None:
    data = pictures.jpeg()

    upload = receive(alice, data)

    photo = upload.photo
    assert photo is not None
    assert upload.state == Upload.State.ACCEPTED
    assert (photo.product.sku, photo.view) == ("AMB-250", "front")
    assert (photo.width_px, photo.height_px, photo.has_alpha) == (320, 200, False)
    assert photo.sha256 == hashlib.sha256(data).hexdigest()
    assert storage.read(photo.original_key) == data
    assert storage.read(photo.photo_key)[:3] == b"\xff\xd8\xff"
    assert len(storage.read(photo.photo_key)) == photo.size_bytes
    assert kinds() == ["product.created", "photo.uploaded"]


def test_views_of_one_product_gather_whatever_their_order_and_letter_case(
    alice: Person, in_ateliers: Tenant
) -> None:
    for number, name in enumerate(["amb-250_back.jpg", "AMB-250_front.jpg", "AMB-250 (2).jpg"]):
        receive(alice, pictures.jpeg(number), name)

    product = Product.objects.get()
    assert [photo.view for photo in product.photos.all()] == ["front", "back", "2"]


def test_a_photo_for_a_given_product_goes_there_whatever_its_name(
    alice: Person, in_ateliers: Tenant
) -> None:
    product = Product.objects.create(sku="MUG-1")

    upload = receive(alice, pictures.jpeg(), "IMG_1234.jpg", product=product)

    assert upload.photo is not None
    assert upload.photo.product == product
    assert Product.objects.count() == 1


def test_the_same_file_twice_is_one_photo(
    alice: Person, in_ateliers: Tenant, private_storage: Path
) -> None:
    first = receive(alice, pictures.jpeg())
    stored = files_in(private_storage)

    again = receive(alice, pictures.jpeg(), "another name.jpg")

    assert again.state == Upload.State.DUPLICATE
    assert again.photo == first.photo
    assert SourcePhoto.objects.count() == 1
    assert files_in(private_storage) == stored


def test_the_same_file_for_another_product_is_refused_with_the_products_name(
    alice: Person, in_ateliers: Tenant
) -> None:
    first = receive(alice, pictures.jpeg())
    other = Product.objects.create(sku="MUG-1")

    with pytest.raises(InvalidError) as refused:
        receive(alice, pictures.jpeg(), product=other)

    assert refused.value.code == "upload.in_other_product"
    assert "AMB-250" in refused.value.message
    assert first.photo is not None
    assert receive(alice, pictures.jpeg(), product=first.photo.product).state == "duplicate"


def test_a_twin_that_was_faster_leaves_one_photo_and_no_stray_file(
    alice: Person,
    in_ateliers: Tenant,
    private_storage: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = uploads.decode
    raced: list[Upload] = []

    def slower(source: Path, folder: Path) -> Any:
        monkeypatch.setattr(uploads, "decode", real)
        raced.append(receive(alice, pictures.jpeg()))
        return real(source, folder)

    monkeypatch.setattr(uploads, "decode", slower)

    upload = receive(alice, pictures.jpeg())

    assert upload.state == Upload.State.DUPLICATE
    assert upload.photo == raced[0].photo
    assert len(files_in(private_storage)) == 4


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "upload.empty"),
        (b"hello", "upload.not_a_photo"),
        (b"GIF89a" + bytes(50), "upload.format_unsupported"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "upload.format_unsupported"),
        (pictures.jpeg()[:200], "upload.unreadable"),
        (pictures.jpeg(width=40, height=40), "upload.too_small"),
        (pictures.animated("PNG"), "upload.several_frames"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_refused_file_leaves_a_record_and_nothing_else(
    alice: Person, in_ateliers: Tenant, private_storage: Path, data: bytes, code: str
) -> None:
    with pytest.raises(InvalidError) as refused:
        receive(alice, data, "../x.jpg", declared_type="image/jpeg")

    upload = Upload.objects.get()
    assert refused.value.code == upload.refusal_code == code
    assert refused.value.data["upload"] == upload.pk
    assert (upload.state, upload.file_name, upload.size_bytes) == ("refused", "x.jpg", len(data))
    assert upload.photo is None
    assert Product.objects.count() == SourcePhoto.objects.count() == 0
    assert files_in(private_storage) == []
    assert kinds() == ["photo.refused"]


def test_too_many_bytes_are_refused_while_they_come(
    alice: Person, in_ateliers: Tenant, settings: Any, private_storage: Path
) -> None:
    settings.UPLOAD_MAX_BYTES = 1_000_000
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while True:
            sent += 64_000
            yield b"\xff\xd8\xff" + bytes(63_997)

    with pytest.raises(InvalidError) as refused:
        receive_upload(actor=alice.actor, file_name="endless.jpg", chunks=endless())

    assert refused.value.code == "upload.too_large"
    assert sent <= 1_000_000 + 64_000
    assert files_in(private_storage) == []


def test_the_declared_type_and_the_extension_decide_nothing(
    alice: Person, in_ateliers: Tenant
) -> None:
    image = pictures.quadrants()

    for number, file_format in enumerate(["JPEG", "PNG", "WEBP", "AVIF"]):
        data = pictures.encoded(image, file_format)
        upload = receive(alice, data, f"liar{number}.svg", declared_type="application/x-msdownload")
        assert upload.state == Upload.State.ACCEPTED


def test_two_workspaces_take_the_same_file_without_hearing_of_each_other(
    alice: Person, eve: Person
) -> None:
    with tenant_scope(alice.tenant.pk):
        ours = receive(alice, pictures.jpeg())
    with tenant_scope(eve.tenant.pk):
        theirs = receive(eve, pictures.jpeg())

    assert ours.state == theirs.state == Upload.State.ACCEPTED
    assert ours.photo_id != theirs.photo_id


@pytest.mark.parametrize("role", ["reviewer", "viewer"])
def test_who_may_not_edit_the_catalog_may_not_upload(
    ateliers: Tenant, in_ateliers: Tenant, role: str
) -> None:
    person = cast.member(ateliers, "x@ateliers.example", role)

    with pytest.raises(ForbiddenError):
        receive(person, pictures.jpeg())

    assert Upload.objects.count() == 0


def test_sample_photos_go_the_way_of_all_photos(
    alice: Person, in_ateliers: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, name in enumerate(["TOTE_front.jpg", "TOTE_angle.jpg", "MUG.jpg"]):
        (tmp_path / name).write_bytes(pictures.jpeg(number))
    monkeypatch.setattr(samples, "FOLDER", tmp_path)

    first = samples.add_sample_photos(actor=alice.actor)
    again = samples.add_sample_photos(actor=alice.actor)

    assert {photo.product.sku for photo in first} == {"TOTE", "MUG"}
    assert again == first


# The view.


def test_a_browsers_upload_is_answered_with_the_photo(send: Send, in_ateliers: Tenant) -> None:
    answer = send(pictures.jpeg())

    assert answer.status_code == 201
    body = answer.json()
    assert (body["state"], body["sku"], body["view"]) == ("accepted", "AMB-250", "front")
    assert body["product_url"].endswith(f"/products/{body['product']}/")
    again = send(pictures.jpeg())
    assert (again.status_code, again.json()["state"]) == (200, "duplicate")


def test_a_refusal_is_answered_as_a_problem_that_names_the_file(send: Send) -> None:
    answer = send(b"GIF89a" + bytes(99), "anim.gif")

    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body["code"] == "upload.format_unsupported"
    assert body["file_name"] == "anim.gif"
    assert body["detail"].startswith("GIF files cannot be used.")


def test_the_view_writes_no_more_than_the_limit_to_disk(
    send: Send, in_ateliers: Tenant, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.UPLOAD_MAX_BYTES = 200_000
    written = []
    parent = upload_handlers.TemporaryFileUploadHandler
    real = parent.receive_data_chunk

    def counted(self: Any, raw_data: bytes, start: int) -> None:
        written.append(len(raw_data))
        real(self, raw_data, start)

    monkeypatch.setattr(parent, "receive_data_chunk", counted)

    answer = send(b"\xff\xd8\xff" + bytes(3_000_000), "big.jpg")

    assert answer.status_code == 422
    assert answer.json()["code"] == "upload.too_large"
    assert sum(written) <= 200_000
    assert Upload.objects.get().refusal_code == "upload.too_large"


def test_an_upload_for_a_product_goes_there_and_for_a_foreign_one_nowhere(
    send: Send, in_ateliers: Tenant, eve: Person
) -> None:
    ours = Product.objects.create(sku="MUG-1")
    with tenant_scope(eve.tenant.pk):
        theirs = Product.objects.create(sku="THEIRS")

    assert send(pictures.jpeg(1), product=ours.pk).json()["sku"] == "MUG-1"
    foreign, missing = send(pictures.jpeg(2), product=theirs.pk), send(b"x", product="prd_none")

    assert foreign.status_code == missing.status_code == 404
    assert foreign.json()["detail"] == missing.json()["detail"]
    assert SourcePhoto.objects.count() == 1


def test_a_form_without_script_takes_many_and_tells_what_it_refused(
    as_alice: Client, in_ateliers: Tenant
) -> None:
    files = [
        SimpleUploadedFile("MUG_front.jpg", pictures.jpeg(1)),
        SimpleUploadedFile("bad.gif", b"GIF89a" + bytes(99)),
        SimpleUploadedFile("MUG_back.jpg", pictures.jpeg(2)),
    ]

    page = as_alice.post("/w/ateliers/uploads/", {"file": files}, follow=True)

    assert page.redirect_chain == [("/w/ateliers/products/", 302)]
    assert b"2 photos uploaded." in page.content
    assert b"bad.gif: GIF files cannot be used." in page.content
    assert Product.objects.get().photos.count() == 2


def test_a_form_with_one_huge_file_keeps_the_others(
    as_alice: Client, in_ateliers: Tenant, settings: Any
) -> None:
    settings.UPLOAD_MAX_BYTES = 100_000
    files = [
        SimpleUploadedFile("huge.jpg", b"\xff\xd8\xff" + bytes(400_000)),
        SimpleUploadedFile("MUG.jpg", pictures.jpeg(1)),
    ]

    page = as_alice.post("/w/ateliers/uploads/", {"file": files}, follow=True)

    assert b"1 photo uploaded." in page.content
    assert b"huge.jpg: The file is larger than" in page.content


def test_an_empty_form_says_what_to_do(as_alice: Client) -> None:
    page = as_alice.post("/w/ateliers/uploads/", {}, follow=True)

    assert b"Choose at least one photo" in page.content


@pytest.mark.parametrize("count", [0, 2])
def test_the_script_sends_exactly_one_file(as_alice: Client, count: int) -> None:
    files = [SimpleUploadedFile(f"{n}.jpg", pictures.jpeg(n)) for n in range(count)]

    answer = as_alice.post(
        "/w/ateliers/uploads/", {"file": files}, headers={"accept": "application/json"}
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "upload.one_file")


def test_an_upload_from_another_site_is_refused(alice: Person, in_ateliers: Tenant) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice.user)

    assert sender(browser, "ateliers")(pictures.jpeg()).status_code == 403
    assert Upload.objects.count() == 0


def test_strangers_are_turned_away_before_their_bytes_are_read(
    vera: Person, eve: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unread(*args: Any) -> None:
        raise AssertionError("the body was read")

    monkeypatch.setattr(upload_handlers.BoundedUploadHandler, "new_file", unread)

    answers = []
    for person in (None, vera, eve):
        browser = Client(enforce_csrf_checks=True)
        if person is not None:
            browser.force_login(person.user)
        answers.append(sender(browser, "ateliers")(pictures.jpeg()).status_code)

    assert answers == [302, 403, 404]


def test_an_upload_costs_the_same_queries_in_a_full_workspace(
    alice: Person, in_ateliers: Tenant
) -> None:
    def queries(number: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            receive(alice, pictures.jpeg(number), f"SKU{number}.jpg")
        return len(captured)

    first = queries(1)
    for number in range(30):
        Product.objects.create(sku=f"FULL-{number}")

    assert queries(2) == first
