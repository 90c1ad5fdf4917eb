from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from apps.accounts import jobs, services, tokens
from apps.accounts.models import Invitation, User
from apps.core import clock
from apps.core.errors import ConflictError, ForbiddenError, NotFoundError
from apps.tenants.models import Membership, Tenant
from apps.tenants.roles import Role
from apps.tenants.scope import tenant_scope
from tests.cast import PASSWORD, Person

pytestmark = pytest.mark.django_db
NEW = "carl@new.example"


@pytest.fixture
def invitation(alice: Person, in_ateliers: Tenant) -> Invitation:
    """Carl is asked to join as producer."""
    return services.invite_member(actor=alice.actor, email=NEW, role=Role.PRODUCER)


def token(invitation: Invitation) -> str:
    return tokens.invitation_token(invitation.pk, invitation.expires_at)


def link(invitation: Invitation) -> str:
    return f"/invitation/{token(invitation)}/"


def carl() -> User:
    return User.objects.create_user(NEW, PASSWORD)


def test_only_a_digest_of_the_token_is_stored(invitation: Invitation) -> None:
    row = Invitation.objects.values().get()

    assert row["token_sha256"] == tokens.digest(token(invitation))
    assert token(invitation) not in str(row)


def test_the_mail_carries_the_link_that_works(invitation: Invitation, client: Client) -> None:
    jobs.send_invitation(invitation.tenant_id, invitation.pk)

    [message] = mail.outbox
    path = re.search(r"http://[^/]+(/invitation/\S+)", str(message.body))
    assert message.to == [NEW]
    assert path
    assert "Join Ateliers" in client.get(path[1], follow=True).content.decode()


def test_no_mail_for_an_invitation_revoked_meanwhile(invitation: Invitation, alice: Person) -> None:
    services.revoke_invitation(actor=alice.actor, invitation_id=invitation.pk)

    jobs.send_invitation(invitation.tenant_id, invitation.pk)

    assert mail.outbox == []


def test_the_token_leaves_the_address_at_once(invitation: Invitation, client: Client) -> None:
    answer = client.get(link(invitation))

    assert answer.headers["Location"] == "/invitation/"
    assert token(invitation) not in str(dict(client.session))


def test_carl_joins_by_signing_up(invitation: Invitation, client: Client) -> None:
    client.get(link(invitation))
    page = client.get("/accounts/signup/").content.decode()
    answer = client.post("/accounts/signup/", {"name": "Carl", "email": NEW, "password1": PASSWORD})

    user = User.objects.get(email=NEW)
    assert f'value="{NEW}"' in page
    assert "workspace_name" not in page
    assert answer.status_code == 302
    assert Membership.objects.get(user=user).role == "producer"
    assert Tenant.objects.count() == 1
    assert user.emailaddress_set.get().verified


def test_carl_cannot_sign_up_with_another_address(invitation: Invitation, client: Client) -> None:
    client.get(link(invitation))
    answer = client.post("/accounts/signup/", {"email": "other@new.example", "password1": PASSWORD})

    assert f"This invitation is for {NEW}." in answer.content.decode()
    assert not User.objects.filter(email="other@new.example").exists()


def test_carl_joins_with_the_account_he_has(invitation: Invitation, client: Client) -> None:
    carl()
    client.get(link(invitation))
    signed_in = client.post("/accounts/login/", {"login": NEW, "password": PASSWORD})
    answer = client.post("/invitation/accept/")

    assert signed_in.headers["Location"] == "/invitation/"
    assert answer.headers["Location"] == "/w/ateliers/"
    assert Membership.objects.filter(user__email=NEW, role="producer").exists()


def test_eve_cannot_use_carls_link(invitation: Invitation, eve: Person, client: Client) -> None:
    client.force_login(eve.user)
    client.get(link(invitation))
    page = client.get("/invitation/").content.decode()
    answer = client.post("/invitation/accept/")

    assert "You are signed in as eve@elsewhere.example" in page
    assert answer.status_code == 403
    assert not Membership.objects.filter(user=eve.user, tenant__slug="ateliers").exists()


def test_a_link_works_once(invitation: Invitation, ben: Person) -> None:
    digest = tokens.digest(token(invitation))
    user = carl()
    services.accept_invitation(user=user, token_sha256=digest)
    Membership.objects.filter(user=user).delete()

    with pytest.raises(NotFoundError):
        services.accept_invitation(user=user, token_sha256=digest)

    assert not Membership.objects.filter(user=user).exists()


def test_an_expired_link_says_so(invitation: Invitation, client: Client) -> None:
    Invitation.objects.update(expires_at=clock.now() - timedelta(seconds=1))

    answer = client.get(link(invitation), follow=True)

    assert answer.status_code == 404
    assert "This invitation has expired" in answer.content.decode()
    with pytest.raises(NotFoundError):
        services.accept_invitation(user=carl(), token_sha256=tokens.digest(token(invitation)))


def test_a_revoked_link_does_not_work(
    invitation: Invitation, alice: Person, client: Client
) -> None:
    services.revoke_invitation(actor=alice.actor, invitation_id=invitation.pk)

    answer = client.get(link(invitation), follow=True)

    assert "This invitation does not work" in answer.content.decode()
    with pytest.raises(NotFoundError):
        services.accept_invitation(user=carl(), token_sha256=tokens.digest(token(invitation)))


def test_sending_again_makes_the_old_link_stop(invitation: Invitation, alice: Person) -> None:
    old = token(invitation)

    renewed = services.resend_invitation(actor=alice.actor, invitation_id=invitation.pk)

    assert token(renewed) != old
    with pytest.raises(NotFoundError):
        services.accept_invitation(user=carl(), token_sha256=tokens.digest(old))


def test_inviting_again_renews_the_one_open_invitation(
    invitation: Invitation, alice: Person
) -> None:
    again = services.invite_member(actor=alice.actor, email=NEW.upper(), role=Role.VIEWER)

    assert again.pk == invitation.pk
    assert Invitation.objects.get().role == "viewer"


def test_a_member_is_not_invited_again(alice: Person, ben: Person, in_ateliers: Tenant) -> None:
    with pytest.raises(ConflictError):
        services.invite_member(actor=alice.actor, email=ben.user.email, role=Role.VIEWER)


def test_an_admin_cannot_invite_an_owner(adam: Person, in_ateliers: Tenant) -> None:
    with pytest.raises(ForbiddenError):
        services.invite_member(actor=adam.actor, email=NEW, role=Role.OWNER)


def test_an_admin_cannot_touch_an_owners_invitation(
    alice: Person, adam: Person, in_ateliers: Tenant
) -> None:
    invitation = services.invite_member(actor=alice.actor, email=NEW, role=Role.OWNER)

    for act in (services.resend_invitation, services.revoke_invitation):
        with pytest.raises(ForbiddenError):
            act(actor=adam.actor, invitation_id=invitation.pk)
    with pytest.raises(ForbiddenError):
        services.invite_member(actor=adam.actor, email=NEW, role=Role.VIEWER)


def test_somebody_who_is_inside_already_keeps_the_role(
    invitation: Invitation, in_ateliers: Tenant
) -> None:
    user = carl()
    Membership.objects.create(tenant=in_ateliers, user=user, role="admin")

    membership = services.accept_invitation(
        user=user, token_sha256=tokens.digest(token(invitation))
    )

    assert membership.role == "admin"
    assert Invitation.objects.get().accepted_at is not None


def test_eve_cannot_revoke_an_invitation_of_ateliers(
    invitation: Invitation, eve: Person, client: Client
) -> None:
    client.force_login(eve.user)
    own = client.post(f"/w/elsewhere/invitations/{invitation.pk}/revoke/")
    foreign = client.post(f"/w/ateliers/invitations/{invitation.pk}/revoke/")

    assert (own.status_code, foreign.status_code) == (404, 404)
    with tenant_scope(invitation.tenant_id):
        assert Invitation.objects.get().revoked_at is None


def test_nothing_of_a_wrong_token_is_told(client: Client, db: Any) -> None:
    answer = client.get("/invitation/no-such-token/", follow=True)

    assert answer.status_code == 404
    assert "This invitation does not work" in answer.content.decode()
