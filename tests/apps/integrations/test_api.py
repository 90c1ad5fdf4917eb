"""The REST API: keys, scopes, problems, idempotency, paging and what it never shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from apps.billing.models import CreditAccount
from apps.integrations.models import ApiKey
from apps.integrations.scopes import Scope
from apps.integrations.services.api_keys import create_api_key, revoke_api_key
from apps.studio.models import Shoot
from apps.tenants.scope import tenant_scope
from tests.cast import Person
from tests.product import picture

pytestmark = pytest.mark.django_db


def _key(person: Person, *scopes: str) -> str:
    with tenant_scope(person.tenant.pk):
        _, secret = create_api_key(
            actor=person.actor, name="tests", scopes=scopes or [scope.value for scope in Scope]
        )
    return secret


class Caller:
    """A platform with a key."""

    def __init__(self, secret: str) -> None:
        self.client = Client(headers={"Authorization": f"Bearer {secret}"})

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/v1{path}", query)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.client.post(
            f"/v1{path}", json.dumps(body or {}), content_type="application/json", headers=headers
        )

    def upload(self, number: int) -> Any:
        from django.core.files.uploadedfile import SimpleUploadedFile

        file = SimpleUploadedFile(f"BOX-{number}_front.png", picture(number), "image/png")
        return self.client.post("/v1/uploads", {"file": file})


@pytest.fixture
def platform(alice: Person) -> Caller:
    return Caller(_key(alice))


@pytest.fixture
def photo(platform: Caller) -> str:
    answer = platform.upload(1)
    assert answer.status_code == 201, answer.content
    return str(answer.json()["id"])


def test_an_upload_becomes_a_photo_of_the_product_its_name_tells(platform: Caller) -> None:
    body = platform.upload(7).json()

    assert body["id"].startswith("pho_")
    assert (body["product"]["sku"], body["view"]) == ("BOX-7", "front")
    assert (body["width_px"], body["state"]) == (240, "accepted")


def test_a_file_that_is_no_photo_gets_one_clear_problem(platform: Caller) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    answer = platform.client.post(
        "/v1/uploads", {"file": SimpleUploadedFile("x.jpg", b"GIF89a nonsense")}
    )

    assert answer.status_code in {415, 422}
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"].startswith("upload.")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ps_live_wrong", "Basic abc"])
def test_without_a_valid_key_every_door_says_the_same(header: str, db: None) -> None:
    answer = Client(headers={"Authorization": header} if header else {}).get("/v1/usage")

    assert answer.status_code == 401
    assert answer.json()["code"] == "api.key_invalid"
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_revoked_key_is_dead_at_once(alice: Person) -> None:
    secret = _key(alice)
    with tenant_scope(alice.tenant.pk):
        revoke_api_key(actor=alice.actor, api_key_id=ApiKey.objects.get().pk)

    assert Caller(secret).get("/usage").status_code == 401


def test_the_secret_is_stored_nowhere(alice: Person) -> None:
    secret = _key(alice)
    with tenant_scope(alice.tenant.pk):
        stored = ApiKey.objects.values().get()

    assert secret not in json.dumps(stored, default=str)


def test_a_key_without_the_scope_is_told_which_one_it_lacks(alice: Person) -> None:
    answer = Caller(_key(alice, "usage:read")).post("/shoots", {"photos": ["pho_x"]})

    assert (answer.status_code, answer.json()["scope"]) == (403, "shoots:write")


def test_an_order_answers_with_its_place_and_holds_the_credits(
    platform: Caller, photo: str, alice: Person
) -> None:
    answer = platform.post("/shoots", {"photos": [photo], "takes": 3})

    assert answer.status_code == 202
    assert answer["Location"] == f"/v1/shoots/{answer.json()['id']}"
    assert answer.json()["counts"] == {
        "queued": 3, "rendering": 0, "succeeded": 0, "failed": 0, "canceled": 0, "total": 3,
    }  # fmt: skip
    with tenant_scope(alice.tenant.pk):
        assert CreditAccount.objects.get().reserved == 3


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"photos": []}, "photos"),
        ({"takes": 0}, "takes"),
        ({"scene": "typo"}, "scene"),
        ({"photos": "pho"}, "photos"),
    ],
)
def test_a_bad_order_names_the_field(
    platform: Caller, photo: str, change: dict[str, Any], pointer: str
) -> None:
    answer = platform.post("/shoots", {"photos": [photo], **change})

    assert answer.status_code == 422
    assert any(pointer in error["pointer"] for error in answer.json()["errors"])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/shoots", {"photos": ["pho_foreign"]}),
        ("/exports", {"shoot": "sho_foreign"}),
        ("/exports", {"renders": ["rnd_foreign"]}),
        ("/renders/rnd_foreign/review", {"verdict": "approve"}),
        ("/shoots/sho_foreign/cancel", {}),
    ],
)
def test_what_is_not_there_is_not_found(platform: Caller, path: str, body: dict[str, Any]) -> None:
    assert platform.post(path, body).status_code == 404


def test_a_foreign_photo_looks_like_a_missing_one(photo: str, eve: Person) -> None:
    foreign = Caller(_key(eve))

    theirs = foreign.post("/shoots", {"photos": [photo]})
    missing = foreign.post("/shoots", {"photos": ["pho_" + "0" * 26]})

    assert theirs.status_code == missing.status_code == 404
    assert theirs.json()["detail"] == missing.json()["detail"]


def test_one_idempotency_key_orders_once(platform: Caller, photo: str, alice: Person) -> None:
    order = {"photos": [photo]}
    first = platform.post("/shoots", order, **{"Idempotency-Key": "order-1"})
    again = platform.post("/shoots", order, **{"Idempotency-Key": "order-1"})
    other = platform.post("/shoots", {**order, "takes": 2}, **{"Idempotency-Key": "order-1"})

    assert (first.json(), again.json()["id"]) == (again.json(), first.json()["id"])
    assert again["Idempotency-Replayed"] == "true"
    assert again["Location"] == first["Location"]
    assert (other.status_code, other.json()["code"]) == (422, "api.idempotency_key_reused")
    with tenant_scope(alice.tenant.pk):
        assert Shoot.objects.count() == 1


def test_a_refused_order_does_not_use_its_idempotency_key_up(platform: Caller, photo: str) -> None:
    headers = {"Idempotency-Key": "order-2"}

    assert platform.post("/shoots", {"photos": ["pho_missing"]}, **headers).status_code == 404
    assert platform.post("/shoots", {"photos": [photo]}, **headers).status_code == 202


def test_two_workspaces_may_use_the_same_idempotency_key(
    platform: Caller, photo: str, eve: Person
) -> None:
    foreign = Caller(_key(eve))
    theirs = foreign.upload(1).json()["id"]

    ours = platform.post("/shoots", {"photos": [photo]}, **{"Idempotency-Key": "same"})
    other = foreign.post("/shoots", {"photos": [theirs]}, **{"Idempotency-Key": "same"})

    assert (ours.status_code, other.status_code) == (202, 202)
    assert ours.json()["id"] != other.json()["id"]


def test_pages_follow_one_another_without_gap_or_repeat(platform: Caller, photo: str) -> None:
    shoot = platform.post("/shoots", {"photos": [photo], "takes": 7}).json()["id"]
    seen, cursor = [], None
    while True:
        page = platform.get(
            "/renders", shoot=shoot, limit=3, **({"cursor": cursor} if cursor else {})
        )
        seen += [render["id"] for render in page.json()["data"]]
        cursor = page.json()["next_cursor"]
        if not page.json()["has_more"]:
            break

    assert len(seen) == len(set(seen)) == 7
    misused = platform.get("/renders", limit=3, cursor="forged")
    assert (misused.status_code, misused.json()["code"]) == (422, "api.cursor_invalid")


def test_usage_tells_plan_and_credits(platform: Caller, photo: str) -> None:
    platform.post("/shoots", {"photos": [photo]})

    body = platform.get("/usage").json()

    assert (body["plan"], body["credits_available"], body["credits_reserved"]) == ("Trial", 199, 1)
    assert body["renders"]["queued"] == 1


def test_the_schema_is_openapi_3_1_and_documents_problems(client: Client, db: None) -> None:
    document = client.get("/v1/openapi.json").json()

    assert document["openapi"].startswith("3.1")
    assert {"/v1/uploads", "/v1/shoots", "/v1/renders", "/v1/exports", "/v1/usage"} <= set(
        document["paths"]
    )
    answers = document["paths"]["/v1/shoots"]["post"]["responses"]
    assert "application/problem+json" in answers["422"]["content"]


def test_every_operation_demands_a_scope() -> None:
    from apps.integrations.api.app import api

    operations = [
        operation
        for _, router in api._routers
        for view in router.path_operations.values()
        for operation in view.operations
    ]

    assert len(operations) >= 11
    assert all(isinstance(o.view_func.api_scope, Scope) for o in operations)


def test_a_platform_sets_the_brand_kit_and_reads_it_back(platform: Caller, alice: Person) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    kit = {
        "primary": "#0B3D2E",
        "secondary": "#e76f51",
        "text": "#10221b",
        "headline_font": "serif",
        "body_font": "sans",
    }

    def put(body: dict[str, str], caller: Caller = platform) -> Any:
        return caller.client.put("/v1/brand-kit", json.dumps(body), content_type="application/json")

    missing = platform.get("/brand-kit")
    early = platform.client.post(
        "/v1/brand-kit/logo", {"file": SimpleUploadedFile("l.svg", b"<svg/>")}
    )
    wrong, set_ = put({**kit, "text": "navy"}), put(kit)
    read = platform.get("/brand-kit")
    reader = put(kit, Caller(_key(alice, "brand:read")))
    gone = platform.client.delete("/v1/brand-kit")

    assert (missing.status_code, missing.json()["code"]) == (404, "brand.kit_missing")
    assert (early.status_code, early.json()["code"]) == (422, "brand.logo_svg")
    assert (wrong.status_code, wrong.json()["field"]) == (422, "text")
    assert set_.status_code == 200
    assert read.json() == set_.json()
    assert read.json()["contrast_on_white"]["secondary"] == 3.09
    assert {name: read.json()[name] for name in kit} == {**kit, "primary": "#0b3d2e"}
    assert reader.status_code == 403
    assert (gone.status_code, platform.get("/brand-kit").status_code) == (204, 404)
