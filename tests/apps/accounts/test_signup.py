from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.billing.models import CreditAccount
from apps.events.models import Event
from apps.tenants.models import Membership, Tenant
from apps.tenants.scope import tenant_scope
from tests.cast import PASSWORD, Person

pytestmark = pytest.mark.django_db


def sign_up(client: Client, **changes: str) -> Any:
    form = {
        "name": "Nina Sol",
        "email": "nina@sol.example",
        "password1": PASSWORD,
        "workspace_name": "Studio Sol",
    }
    return client.post("/accounts/signup/", {**form, **changes})


def test_signing_up_opens_a_workspace_with_credits_and_an_event(client: Client) -> None:
    answer = sign_up(client)

    user = User.objects.get(email="nina@sol.example")
    tenant = Tenant.objects.get(slug="studio-sol")
    assert answer.status_code == 302
    assert user.name == "Nina Sol"
    assert Membership.objects.get(user=user).role == "owner"
    with tenant_scope(tenant.pk):
        assert CreditAccount.objects.get().available == 200
        assert [event.kind for event in Event.objects.all()] == ["workspace.created"]


def test_a_failure_half_way_leaves_nothing_behind(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**kwargs: object) -> None:
        raise RuntimeError("no credits today")

    monkeypatch.setattr("apps.accounts.services.workspaces.open_account", fail)

    with pytest.raises(RuntimeError, match="no credits today"):
        sign_up(client)

    assert not User.objects.exists()
    assert not Tenant.objects.exists()


def test_two_workspaces_of_one_name_get_different_addresses(client: Client) -> None:
    sign_up(client)

    sign_up(Client(), email="otto@sol.example")

    assert set(Tenant.objects.values_list("slug", flat=True)) == {"studio-sol", "studio-sol-2"}


def test_an_address_that_is_taken_makes_nothing_new(client: Client, alice: Person) -> None:
    answer = sign_up(client, email=alice.user.email.upper())

    assert "already registered" in answer.content.decode()
    assert Tenant.objects.count() == 1
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("password1", "short", "too short"),
        ("email", "no address", "valid email"),
        ("workspace_name", "", "required"),
        ("workspace_name", "   ", "required"),
    ],
)
def test_bad_input_is_told_beside_its_field(
    client: Client, field: str, value: str, says: str
) -> None:
    answer = sign_up(client, **{field: value})

    assert says in answer.content.decode()
    assert 'aria-invalid="true"' in answer.content.decode()
    assert not User.objects.exists()


def test_after_signing_in_alice_lands_where_she_worked_last(
    as_alice: Client, alice: Person
) -> None:
    from apps.accounts.services import open_workspace

    second = open_workspace(owner=alice.user, name="Second")
    as_alice.get(f"/w/{second.tenant.slug}/")

    assert as_alice.get("/").headers["Location"] == f"/w/{second.tenant.slug}/"


def test_a_person_without_a_workspace_is_told_what_to_do(client: Client) -> None:
    client.force_login(User.objects.create_user("nobody@nowhere.example", PASSWORD))

    answer = client.get("/", follow=True)

    assert "You have no workspace" in answer.content.decode()


def test_another_workspace_can_be_opened(as_alice: Client, alice: Person) -> None:
    answer = as_alice.post("/workspaces/new/", {"name": "Second shop"})

    assert answer.headers["Location"] == "/w/second-shop/"
    assert Membership.objects.filter(user=alice.user, role="owner").count() == 2
