"""How allauth treats our accounts: sign-up opens a workspace or answers an invitation."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse

from apps.accounts import pending
from apps.accounts.models import User
from apps.accounts.services import accept_invitation, open_workspace
from apps.events import live
from apps.tenants.models import Membership


class AccountAdapter(DefaultAccountAdapter):
    """Allauth with our sign-up, our subjects and the way back to an invitation."""

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:  # noqa: FBT001, FBT002 - allauth's signature
        """Create the person and what they work in: all of it or nothing."""
        invitation = pending.open_invitation(request.session)
        with transaction.atomic():
            user.name = form.cleaned_data.get("name", "")
            super().save_user(request, user, form, commit=commit)
            if invitation is None:
                open_workspace(owner=user, name=form.cleaned_data["workspace_name"])
            else:
                accept_invitation(user=user, token_sha256=invitation.token_sha256)
        if invitation is not None:
            pending.forget(request.session)
            # The link came by mail to this address: that is the confirmation.
            self.stash_verified_email(request, user.email)
        return user

    def logout(self, request: HttpRequest) -> None:
        """Sign out, and close the person's live sockets in every workspace at once."""
        leaving = request.user
        super().logout(request)
        if isinstance(leaving, User):
            of_theirs = Membership.objects.filter(user=leaving)
            for tenant in of_theirs.values_list("tenant_id", flat=True):
                live.revoke_on_commit(tenant, str(leaving.pk))

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Go on to the invitation that brought the person here, or home."""
        if pending.open_invitation(request.session) is not None:
            return reverse("accounts:invitation")
        return str(super().get_login_redirect_url(request))

    def format_email_subject(self, subject: str) -> str:
        """Return the subject as it is: the sender's name already says who writes."""
        return " ".join(subject.split())
