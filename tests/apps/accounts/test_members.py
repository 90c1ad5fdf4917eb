from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts import services
from apps.core.errors import ConflictError, ForbiddenError, NotFoundError
from apps.events.models import Event
from apps.tenants.models import Membership, Tenant
from apps.tenants.roles import Role
from tests import cast
from tests.cast import Person

pytestmark = pytest.mark.django_db

ROLES = ("alice", "adam", "ben", "rita", "vera", "eve")
# Status by role: owner, admin, producer, reviewer, viewer, and Eve from elsewhere.
MATRIX = {
    ("GET", "members/"): (200, 200, 200, 200, 200, 404),
    ("POST", "members/invite/"): (422, 422, 403, 403, 403, 404),
    ("POST", "members/{target}/role/"): (422, 422, 403, 403, 403, 404),
    ("POST", "members/{target}/remove/"): (302, 302, 403, 403, 403, 404),
    ("POST", "members/999999/remove/"): (404, 404, 403, 403, 403, 404),
    ("POST", "invitations/inv_none/resend/"): (404, 404, 403, 403, 403, 404),
    ("POST", "invitations/inv_none/revoke/"): (404, 404, 403, 403, 403, 404),
    ("GET", "switcher/"): (200, 200, 200, 200, 200, 404),
    ("GET", "settings/"): (200, 403, 403, 403, 403, 404),
    ("POST", "settings/"): (422, 403, 403, 403, 403, 404),
}


@pytest.mark.parametrize(("method", "path"), MATRIX)
@pytest.mark.parametrize("who", ROLES)
def test_each_role_may_do_what_the_table_says(
    request: pytest.FixtureRequest,
    client: Client,
    ateliers: Tenant,
    who: str,
    method: str,
    path: str,
) -> None:
    person: Person = request.getfixturevalue(who)
    target = cast.member(ateliers, "target@ateliers.example", "viewer").membership
    client.force_login(person.user)

    answer = client.generic(method, f"/w/ateliers/{path.format(target=target.pk)}")

    assert answer.status_code == MATRIX[method, path][ROLES.index(who)]


@pytest.mark.parametrize("path", ["members/", "settings/", "switcher/", "now/", ""])
def test_a_stranger_is_sent_to_sign_in(client: Client, ateliers: Tenant, path: str) -> None:
    answer = client.get(f"/w/ateliers/{path}")

    assert answer.headers["Location"].startswith("/accounts/login/")


def test_the_last_owner_cannot_leave(alice: Person, adam: Person, in_ateliers: Tenant) -> None:
    with pytest.raises(ConflictError, match="needs an owner"):
        services.leave_workspace(actor=alice.actor)

    assert Membership.objects.filter(pk=alice.membership.pk).exists()


def test_the_last_owner_cannot_become_admin(alice: Person, in_ateliers: Tenant) -> None:
    with pytest.raises(ConflictError):
        services.change_role(actor=alice.actor, membership_id=alice.membership.pk, role=Role.ADMIN)


def test_one_of_two_owners_may_leave(alice: Person, in_ateliers: Tenant, client: Client) -> None:
    cast.member(in_ateliers, "olga@ateliers.example", "owner")
    client.force_login(alice.user)

    answer = client.post("/w/ateliers/members/leave/")

    assert answer.status_code == 302
    assert client.get("/w/ateliers/members/").status_code == 404


def test_an_admin_can_neither_demote_nor_remove_an_owner(
    alice: Person, adam: Person, in_ateliers: Tenant
) -> None:
    cast.member(in_ateliers, "olga@ateliers.example", "owner")

    with pytest.raises(ForbiddenError):
        services.change_role(actor=adam.actor, membership_id=alice.membership.pk, role=Role.VIEWER)
    with pytest.raises(ForbiddenError):
        services.remove_member(actor=adam.actor, membership_id=alice.membership.pk)


def test_an_admin_cannot_make_anybody_owner(
    adam: Person, ben: Person, in_ateliers: Tenant, client: Client
) -> None:
    with pytest.raises(ForbiddenError):
        services.change_role(actor=adam.actor, membership_id=ben.membership.pk, role=Role.OWNER)
    client.force_login(adam.user)
    answer = client.post(f"/w/ateliers/members/{ben.membership.pk}/role/", {"role": "owner"})

    assert answer.status_code == 422
    assert Membership.objects.get(pk=ben.membership.pk).role == "producer"


def test_a_members_row_of_elsewhere_is_missing(
    alice: Person, eve: Person, in_ateliers: Tenant
) -> None:
    with pytest.raises(NotFoundError):
        services.remove_member(actor=alice.actor, membership_id=eve.membership.pk)
    with pytest.raises(NotFoundError):
        services.change_role(actor=alice.actor, membership_id=eve.membership.pk, role=Role.VIEWER)

    assert Membership.objects.filter(pk=eve.membership.pk, role="owner").exists()


def test_a_change_of_role_is_recorded_once(alice: Person, ben: Person, in_ateliers: Tenant) -> None:
    for _ in range(2):
        services.change_role(actor=alice.actor, membership_id=ben.membership.pk, role=Role.REVIEWER)

    [event] = Event.objects.all()
    assert event.kind == "member.role_changed"
    assert event.data == {
        "member": "ben@ateliers.example",
        "before": "producer",
        "after": "reviewer",
    }


def test_a_removed_member_loses_live_pages_too(
    alice: Person,
    ben: Person,
    in_ateliers: Tenant,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: object,
) -> None:
    revoked: list[tuple[str, str]] = []
    monkeypatch.setattr(
        "apps.events.live.revoke_on_commit", lambda tenant, user: revoked.append((tenant, user))
    )

    services.remove_member(actor=alice.actor, membership_id=ben.membership.pk)

    assert revoked == [(in_ateliers.pk, str(ben.user.pk))]


def test_the_page_offers_no_role_above_ones_own(
    adam: Person, alice: Person, ben: Person, client: Client
) -> None:
    client.force_login(adam.user)

    page = client.get("/w/ateliers/members/").content.decode()

    assert 'value="owner"' not in page
    assert f"remove-{ben.membership.pk}" in page
    assert f"remove-{alice.membership.pk}" not in page


def test_more_members_need_no_more_queries(
    alice: Person, ben: Person, ateliers: Tenant, as_alice: Client
) -> None:
    as_alice.get("/w/ateliers/members/")
    with CaptureQueriesContext(
        connection,
    ) as few:
        as_alice.get("/w/ateliers/members/")
    for number in range(10):
        cast.member(ateliers, f"m{number}@ateliers.example", "viewer")
    with CaptureQueriesContext(connection) as many:
        as_alice.get("/w/ateliers/members/")

    assert len(many) == len(few)
