"""Every address × every role × a foreign object. An address without a row fails.

``ROWS`` is the whole policy in one place: the letters are the roles that may enter, o(wner),
a(dmin), p(roducer), r(eviewer), v(iewer). Everyone else gets 403; who is no member, or names an
object of another workspace, gets the same 404 as for an object that does not exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from apps.catalog.models import Product, SourcePhoto, new_photo_id
from apps.compute.models import DemandPeriod
from apps.core import clock
from apps.integrations.models import ApiKey, Export
from apps.studio.models import BrandKit, BrandLogo, Render, Shoot, Shot
from apps.tenants.scope import tenant_scope
from tests import cast
from tests.cast import Person

ALL, STAFF, MAKERS, JUDGES, EXPORTERS = "oaprv", "oa", "oap", "oar", "oapr"
ROWS: dict[str, str] = {
    "insights:home": ALL,
    "insights:now": ALL,
    "accounts:switcher": ALL,
    "accounts:members": ALL,
    "accounts:invite-member": STAFF,
    "accounts:leave-workspace": ALL,
    "accounts:change-role": STAFF,
    "accounts:remove-member": STAFF,
    "accounts:resend-invitation": STAFF,
    "accounts:revoke-invitation": STAFF,
    "tenants:settings": "o",
    "catalog:products": ALL,
    "catalog:create-product": MAKERS,
    "catalog:merge-products": MAKERS,
    "catalog:add-sample-photos": MAKERS,
    "catalog:product": ALL,
    "catalog:edit-product": MAKERS,
    "catalog:delete-product": MAKERS,
    "catalog:move-photos": MAKERS,
    "catalog:upload": MAKERS,
    "catalog:set-photo-view": MAKERS,
    "catalog:shift-photo": MAKERS,
    "catalog:delete-photo": MAKERS,
    "catalog:photo-image": ALL,
    "studio:brand-kit": STAFF,
    "studio:keep-brand-kit": STAFF,
    "studio:remove-brand-kit": STAFF,
    "studio:brand-sample": STAFF,
    "studio:brand-logo": ALL,
    "studio:brand-font": ALL,
    "studio:shoots": ALL,
    "studio:new-shoot": MAKERS,
    "studio:quote": MAKERS,
    "studio:order-shoot": MAKERS,
    "studio:shoot": ALL,
    "studio:shoot-header": ALL,
    "studio:shoot-standing": ALL,
    "studio:cancel-shoot": MAKERS,
    "studio:render-card": ALL,
    "studio:retry-render": MAKERS,
    "studio:render-image": ALL,
    "studio:live-preview": ALL,
    "studio:cutout": MAKERS,
    "studio:cutout-mask": MAKERS,
    "studio:cutout-others": MAKERS,
    "studio:correct-cutout": MAKERS,
    "studio:keep-cutout": MAKERS,
    "studio:collect-cutout": MAKERS,
    "studio:kept-cutout": MAKERS,
    "studio:cutout-image": ALL,
    "studio:render-again": MAKERS,
    "review:queue": ALL,
    "review:strip": ALL,
    "review:badge": ALL,
    "review:bulk-approve": JUDGES,
    "review:item": ALL,
    "review:verdict": JUDGES,
    "review:undo": JUDGES,
    "compute:operations": STAFF,
    "compute:lane": STAFF,
    "compute:demand": ALL,
    "compute:plan-demand": STAFF,
    "compute:demand-effect": STAFF,
    "compute:demand-period": STAFF,
    "compute:cancel-demand": STAFF,
    "compute:planner": STAFF,
    "integrations:exports": EXPORTERS,
    "integrations:new-export": EXPORTERS,
    "integrations:export-row": EXPORTERS,
    "integrations:download-export": EXPORTERS,
    "integrations:download-render": EXPORTERS,
    "integrations:api-keys": STAFF,
    "integrations:new-api-key": STAFF,
    "integrations:end-api-key": STAFF,
}
OPEN_TO_ALL = {
    "healthz": "supervisors and load balancers ask it; it holds two numbers",
    "metrics": "PACKSHOT_METRICS_TOKEN is the permission; without one only this machine may",
    "desired-workers": "the same; it holds one number",
    "files:download": "the signed token is the permission",
    "accounts:one-time-login": "the token is the permission",
    "accounts:invitation": "shows what the link promised, before sign-in",
    "accounts:invitation-link": "the token is the permission",
    "accounts:theme": "keeps a cookie",
}
OF_A_PERSON = {
    "tenants:home",
    "tenants:workspaces",
    "accounts:new-workspace",
    "accounts:profile",
    "accounts:accept-invitation",
}
OF_THE_OPERATOR = {
    "compute:fleet",
    "compute:fleet-state",
    "compute:engine-models",
    "compute:what-if",
}
ELSEWHERE = ("account_", "mfa_", "usersessions_", "v1:", "socialaccount_", "django_rq", "static")
FORM = {"role": "viewer", "sku": "X-1", "reason": "halo", "verdict": "approve", "view": "front"}
LETTERS = {"o": "owner", "a": "admin", "p": "producer", "r": "reviewer", "v": "viewer"}


def _patterns(
    resolver: URLResolver, namespace: str = ""
) -> Iterator[tuple[str, URLPattern, dict[str, Any]]]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            for name, pattern, converters in _patterns(entry, inner):
                yield name, pattern, {**entry.pattern.converters, **converters}
        else:
            yield f"{namespace}{entry.name}", entry, dict(entry.pattern.converters)


PATTERNS = {
    name: (pattern, converters)
    for name, pattern, converters in _patterns(get_resolver())
    if not name.startswith(ELSEWHERE)
}


@pytest.fixture
def foreign(eve: Person) -> dict[str, object]:
    """One object of every kind in Eve's workspace."""
    with tenant_scope(eve.tenant.pk):
        product = Product.objects.create(sku="CANARY-SKU", title="canary title")
        photo = SourcePhoto.objects.create(
            id=new_photo_id(),
            product=product,
            file_name="canary.jpg",
            sha256="c" * 64,
            width_px=10,
            height_px=10,
            size_bytes=10,
            photo_key="photos/canary/photo.jpg",
            preview_key="photos/canary/preview.webp",
            thumb_key="photos/canary/thumb.webp",
            original_key="uploads/canary/original",
        )
        shoot = Shoot.objects.create(
            number=1, scene_slug="packshot-white", scene={}, credits=1, ordered_by="canary"
        )
        shot = Shot.objects.create(shoot=shoot, photo=photo, position=1)
        render = Render.objects.create(shoot=shoot, shot=shot, seed=1)
        export = Export.objects.create(requested_by="canary")
        period = DemandPeriod.objects.create(
            name="canary",
            starts_at=clock.now(),
            ends_at=clock.now() + timedelta(days=1),
            renders=1,
            kind="packshot",
        )
        api_key = ApiKey.objects.create(
            name="canary", prefix="ps_live_cana", last4="nary", digest="d" * 64, created_by="canary"
        )
        logo = BrandLogo.objects.create(object_key="brands/canary.png", width_px=9, height_px=9)
        BrandKit.objects.create(
            primary="#canary",
            secondary="#canary",
            text="#canary",
            headline_font="canary",
            body_font="canary",
            logo=logo,
        )
    return {
        "product_id": product.pk,
        "photo_id": photo.pk,
        "shoot_id": shoot.pk,
        "render_id": render.pk,
        "export_id": export.pk,
        "api_key_id": api_key.pk,
        "period_id": period.pk,
        "membership_id": eve.membership.pk,
        "invitation_id": "inv_canary",
        "logo_id": logo.pk,
        "family": "sans",
        "name": "preview",
        "variant": "thumb",
        "sales_channel": "amazon-main",
    }


def _address(name: str, slug: str, ids: dict[str, object]) -> str:
    wanted = [key for key in PATTERNS[name][1] if key != "slug"]
    return reverse(name, kwargs={"slug": slug, **{key: ids[key] for key in wanted}})


def _names_an_object(name: str) -> bool:
    return any(key.endswith("_id") for key in PATTERNS[name][1])


def _ask(client: Client, address: str) -> Any:
    answer = client.get(address)
    # A valid field or two, so that the object is looked for before the form is refused.
    return client.post(address, FORM) if answer.status_code == 405 else answer


def test_every_address_has_a_row() -> None:
    inside = {name for name, (_, converters) in PATTERNS.items() if "slug" in converters}
    outside = set(PATTERNS) - inside

    assert inside == set(ROWS)
    assert outside == set(OPEN_TO_ALL) | OF_A_PERSON | OF_THE_OPERATOR


@pytest.mark.parametrize("name", sorted(ROWS))
def test_who_may_enter_and_what_is_foreign(
    name: str, ateliers: Any, foreign: dict[str, object]
) -> None:
    address = _address(name, ateliers.slug, foreign)

    for letter, role in LETTERS.items():
        client = Client()
        client.force_login(cast.member(ateliers, f"{role}@ateliers.example", role).user)
        answer = _ask(client, address)

        if letter not in ROWS[name]:
            assert answer.status_code == 403, f"{role} got {answer.status_code}"
        elif _names_an_object(name):
            assert answer.status_code == 404, f"{role} got {answer.status_code}"
        else:
            assert answer.status_code in {200, 302, 409, 422}, f"{role} got {answer.status_code}"
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert b"canary" not in body.lower().replace(b"invitations/inv_canary", b"")


@pytest.mark.parametrize("name", sorted(ROWS))
def test_outsiders_see_a_missing_workspace(
    name: str, ateliers: Any, eve: Person, foreign: dict[str, object]
) -> None:
    client = Client()
    address = _address(name, ateliers.slug, foreign)

    assert _ask(client, address).status_code == 302
    client.force_login(eve.user)
    assert _ask(client, address).status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(OF_A_PERSON | OF_THE_OPERATOR))
def test_pages_of_a_person_ask_strangers_to_sign_in(name: str) -> None:
    answer = _ask(Client(), reverse(name))

    assert answer.status_code == 302
    assert "login" in answer["Location"]


@pytest.mark.parametrize("name", sorted(OF_THE_OPERATOR))
def test_the_operators_pages_do_not_exist_for_the_owner_of_a_workspace(
    name: str, alice: Person
) -> None:
    client = Client()
    client.force_login(alice.user)
    assert client.get(reverse(name)).status_code == 404

    alice.user.is_staff = True
    alice.user.save()
    assert client.get(reverse(name)).status_code == 200


@pytest.mark.parametrize("name", sorted(ROWS))
def test_looking_changes_nothing(name: str, alice: Person, foreign: dict[str, object]) -> None:
    client = Client()
    client.force_login(alice.user)
    client.get(reverse("insights:home", args=[alice.tenant.slug]))

    with CaptureQueriesContext(
        connection,
    ) as queries:
        client.get(_address(name, alice.tenant.slug, foreign))

    writes = [
        query["sql"]
        for query in queries
        if query["sql"].lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE"))
        and "django_session" not in query["sql"]
    ]
    assert writes == []
