"""The pages of products, as the people of a workspace see them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import Product, SourcePhoto
from apps.catalog.queries import PAGE_SIZE, product_detail, product_index
from apps.core import storage
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from tests.apps.catalog import pictures
from tests.apps.catalog.conftest import Send
from tests.apps.catalog.test_products import order_of, photo_of, used_in_a_shoot
from tests.cast import Person

pytestmark = pytest.mark.usefixtures("in_ateliers")
SignIn = Callable[[Person], Client]
HTMX = {"hx-request": "true"}


def text_of(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined, no-any-return]


def test_an_empty_workspace_is_a_drop_zone_with_a_way_to_try(as_alice: Client) -> None:
    page = text_of(as_alice.get("/w/ateliers/products/"))

    assert "drop-zone--large" in page
    assert "Try with sample photos" in page
    assert 'type="file"' in page


def test_an_empty_workspace_tells_a_viewer_who_uploads(vera: Person, browser_of: SignIn) -> None:
    page = text_of(browser_of(vera).get("/w/ateliers/products/"))

    assert "No products yet" in page
    assert "data-upload" not in page


def test_the_index_shows_each_product_with_its_first_photo(as_alice: Client) -> None:
    mug = Product.objects.create(sku="MUG-1", title="Meadow mug")
    back, front = photo_of(mug, 1), photo_of(mug, 0)
    Product.objects.create(sku="EMPTY-1")

    page = text_of(as_alice.get("/w/ateliers/products/"))

    assert "MUG-1" in page
    assert "Meadow mug" in page
    assert "2 photos" in page
    assert "0 photos" in page
    assert f"/photos/{front.pk}/thumb" in page
    assert back.pk not in page


def test_search_and_filter_narrow_the_index() -> None:
    mug = Product.objects.create(sku="MUG-1", title="Meadow")
    tote = Product.objects.create(sku="TOTE")
    Product.objects.create(sku="HAT")
    photo_of(tote)
    used_in_a_shoot(photo_of(mug))

    def skus(search: str = "", filter_by: str = "") -> set[str]:
        index = product_index(search=search, filter_by=filter_by, page="1")
        return {card.sku for card in index.cards}

    assert skus() == skus(filter_by="nonsense") == {"MUG-1", "TOTE", "HAT"}
    assert skus("mead") == skus("ug-1") == skus("  MUG\x00 ") == {"MUG-1"}
    assert skus("%") == set()
    assert skus(filter_by="new") == {"TOTE", "HAT"}
    assert skus(filter_by="empty") == {"HAT"}


def test_a_search_by_htmx_answers_with_the_list_alone(as_alice: Client) -> None:
    Product.objects.create(sku="MUG-1")

    part = as_alice.get("/w/ateliers/products/?q=mug", headers=HTMX)

    assert text_of(part).lstrip().startswith("<section")
    assert "<html" not in text_of(part)
    assert "HX-Request" in part["Vary"]


def test_pages_keep_the_search_and_bear_any_number(as_alice: Client) -> None:
    for number in range(PAGE_SIZE + 1):
        Product.objects.create(sku=f"MUG-{number}")

    first = product_index(search="mug", filter_by="new", page="1")

    assert (first.total, first.pages, len(first.cards)) == (PAGE_SIZE + 1, 2, PAGE_SIZE)
    assert first.next == "?q=mug&filter=new&page=2"
    assert product_index(search="", filter_by="", page="2").previous == "?"
    for page in ("0", "-1", "99", "x", ""):
        assert as_alice.get("/w/ateliers/products/", {"page": page}).status_code == 200


def test_the_index_and_a_product_cost_the_same_queries_however_full() -> None:
    def queries() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as index:
            product_index(search="", filter_by="", page="1")
        with CaptureQueriesContext(connection) as detail:
            product_detail(mug.pk)
        return len(index), len(detail)

    mug = Product.objects.create(sku="MUG")
    photo_of(mug)
    before = queries()
    for number in range(10):
        photo_of(Product.objects.create(sku=f"P{number}"))
        photo_of(mug, number)

    assert queries() == before
    assert max(before) <= 4


def test_a_product_without_its_colon_keeps_what_was_typed(as_alice: Client) -> None:
    mug = Product.objects.create(sku="MUG-1")
    fields = {"sku": "MUG-1", "title": "T", "attributes": "leather"}

    page = as_alice.post(f"/w/ateliers/products/{mug.pk}/edit", fields)

    assert page.status_code == 422
    assert "Write each attribute as a name" in text_of(page)
    assert ">leather</textarea>" in text_of(page).replace("\n", "")
    mug.refresh_from_db()
    assert mug.title == ""


def test_a_product_is_edited_on_its_page(as_alice: Client) -> None:
    mug = Product.objects.create(sku="MUG-1")
    fields = {"sku": "MUG-2", "title": "Meadow", "attributes": "material: stoneware\n"}

    page = as_alice.post(f"/w/ateliers/products/{mug.pk}/edit", fields, follow=True)

    mug.refresh_from_db()
    assert (mug.sku, mug.title, mug.attributes) == ("MUG-2", "Meadow", {"material": "stoneware"})
    assert "material: stoneware" in text_of(page)


def test_a_taken_sku_is_said_at_its_field(as_alice: Client) -> None:
    Product.objects.create(sku="MUG-1")

    page = as_alice.post("/w/ateliers/products/new", {"sku": "mug-1"})

    assert page.status_code == 422
    assert "has this SKU already" in text_of(page)
    assert 'aria-invalid="true"' in text_of(page)


def test_a_new_product_opens_on_its_page(as_alice: Client) -> None:
    page = as_alice.post("/w/ateliers/products/new", {"sku": "HAT", "title": ""}, follow=True)

    assert page.redirect_chain == [(f"/w/ateliers/products/{Product.objects.get().pk}/", 302)]
    assert "This product has no photos yet." in text_of(page)


def test_a_photo_changes_place_and_view_on_the_page(as_alice: Client) -> None:
    mug = Product.objects.create(sku="MUG-1")
    a, b, c = (photo_of(mug, position) for position in range(3))

    as_alice.post(f"/w/ateliers/photos/{b.pk}/shift", {"to": "later"}, headers=HTMX)
    assert order_of(mug) == [a.pk, c.pk, b.pk]
    as_alice.post(f"/w/ateliers/photos/{b.pk}/shift", {"to": "first"})
    assert order_of(mug) == [b.pk, a.pk, c.pk]
    as_alice.post(f"/w/ateliers/photos/{b.pk}/shift", {"to": "earlier"})
    assert order_of(mug) == [b.pk, a.pk, c.pk]
    part = as_alice.post(f"/w/ateliers/photos/{c.pk}/view", {"view": "Sole"}, headers=HTMX)

    assert "<html" not in text_of(part)
    assert "<option selected>sole</option>" in text_of(part)


def test_photos_move_to_another_product_by_its_sku(as_alice: Client) -> None:
    mug, tote = Product.objects.create(sku="MUG-1"), Product.objects.create(sku="TOTE")
    photo = photo_of(mug)
    url = f"/w/ateliers/products/{mug.pk}/move-photos"

    none = as_alice.post(url, {"sku": "TOTE"}, follow=True)
    moved = as_alice.post(url, {"sku": "TOTE", "photo": [photo.pk]}, follow=True)

    assert "Choose at least one photo to move." in text_of(none)
    assert "Moved to TOTE." in text_of(moved)
    assert order_of(tote) == [photo.pk]


def test_products_are_merged_from_the_index(as_alice: Client) -> None:
    mug, tote = Product.objects.create(sku="MUG-1"), Product.objects.create(sku="TOTE")
    photo_of(tote)

    answer = as_alice.post(
        "/w/ateliers/products/merge", {"product": [mug.pk, tote.pk]}, headers=HTMX
    )

    assert answer["HX-Redirect"] == f"/w/ateliers/products/{mug.pk}/"
    assert len(order_of(mug)) == 1


def test_a_photo_in_a_shoot_says_so_instead_of_going(as_alice: Client) -> None:
    mug = Product.objects.create(sku="MUG-1")
    photo = photo_of(mug)
    used_in_a_shoot(photo)

    for url in (f"photos/{photo.pk}/delete", f"products/{mug.pk}/delete"):
        page = as_alice.post(f"/w/ateliers/{url}", follow=True)
        assert "is used in Shoot 7 and cannot be deleted." in text_of(page)

    assert order_of(mug) == [photo.pk]


def test_a_viewer_sees_a_product_and_no_way_to_change_it(vera: Person, browser_of: SignIn) -> None:
    mug = Product.objects.create(sku="MUG-1", attributes={"material": "oak"})
    photo_of(mug, view="front")
    browser = browser_of(vera)

    page = text_of(browser.get(f"/w/ateliers/products/{mug.pk}/"))
    index = text_of(browser.get("/w/ateliers/products/"))

    assert "oak" in page
    assert 'method="post"' not in page.split('id="main"')[1]
    assert "data-bulk-item" not in index


def test_markup_in_names_stays_text(as_alice: Client) -> None:
    evil = "<script>alert(1)</script>"
    mug = Product.objects.create(sku=evil, title=evil, attributes={evil: evil})
    photo = photo_of(mug, view=evil)
    SourcePhoto.objects.filter(pk=photo.pk).update(file_name=evil)

    for url in ("products/", f"products/{mug.pk}/"):
        assert evil not in text_of(as_alice.get(f"/w/ateliers/{url}"))


@pytest.mark.parametrize("variant", ["thumb", "preview", "photo"])
def test_a_picture_is_served_so_that_it_can_only_be_looked_at(
    as_alice: Client, send: Send, variant: str
) -> None:
    photo_id = send(pictures.jpeg(), 'AMB "250" ü_front.jpg').json()["photo"]

    answer = as_alice.get(f"/w/ateliers/photos/{photo_id}/{variant}")

    assert answer.status_code == 200
    assert answer["Content-Type"] == ("image/jpeg" if variant == "photo" else "image/webp")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cache-Control"] == "private, max-age=86400, immutable"
    assert answer["Content-Disposition"].startswith("inline; filename*=utf-8''AMB")
    photo = SourcePhoto.objects.get(pk=photo_id)
    assert answer.content == storage.read(getattr(photo, f"{variant}_key"))


def test_the_original_is_never_served(as_alice: Client, send: Send) -> None:
    photo_id = send(pictures.jpeg_with_metadata()).json()["photo"]

    for variant in ("original", "original_key", "..", "upload"):
        assert as_alice.get(f"/w/ateliers/photos/{photo_id}/{variant}").status_code == 404


def test_a_foreign_photo_and_product_look_like_none(as_alice: Client, eve: Person) -> None:
    with tenant_scope(eve.tenant.pk):
        theirs = Product.objects.create(tenant=eve.tenant, sku="CANARY")
        photo = photo_of(theirs)

    for foreign, missing in (
        (f"photos/{photo.pk}/thumb", "photos/pho_none/thumb"),
        (f"products/{theirs.pk}/", "products/prd_none/"),
    ):
        answers = [
            as_alice.get(f"/w/ateliers/{url}", headers={"accept": "application/json"})
            for url in (foreign, missing)
        ]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].json()["detail"] == answers[1].json()["detail"]
        assert b"CANARY" not in answers[0].content


def test_a_page_of_another_workspace_is_no_page(as_alice: Client, eve: Person) -> None:
    assert as_alice.get("/w/elsewhere/products/").status_code == 404


def test_a_lost_file_is_a_missing_picture_and_no_crash(as_alice: Client, ateliers: Tenant) -> None:
    photo = photo_of(Product.objects.create(sku="MUG-1"))
    storage.delete(photo.thumb_key)

    assert as_alice.get(f"/w/ateliers/photos/{photo.pk}/thumb").status_code == 404
