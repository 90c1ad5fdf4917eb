"""Links that sign a person in once, for whoever runs the server: `make up` prints one."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.urls import reverse

from apps.accounts import tokens
from apps.accounts.models import OneTimeLogin, User
from apps.core import clock
from apps.core.errors import NotFoundError

VALID_FOR = timedelta(minutes=60)


def one_time_login_url(user: User) -> str:
    """Return a full address that signs the user in once within the next hour.

    Expired and used links are swept on the way, so the table stays small.
    """
    now = clock.now()
    token = tokens.random_token()
    OneTimeLogin.objects.filter(expires_at__lt=now).delete()
    OneTimeLogin.objects.create(digest=tokens.digest(token), user=user, expires_at=now + VALID_FOR)
    return f"{settings.BASE_URL}{reverse('accounts:one-time-login', args=[token])}"


def redeem_one_time_login(token: str) -> User:
    """Use the link up and return whom it signs in.

    Raises
    ------
    NotFoundError
        ``accounts.link_invalid``: unknown, used before or expired.
    """
    now = clock.now()
    digest = tokens.digest(token)
    # One conditional UPDATE: of two simultaneous clicks one wins.
    used = OneTimeLogin.objects.filter(
        digest=digest, used_at=None, expires_at__gt=now, user__is_active=True
    ).update(used_at=now)
    if not used:
        raise NotFoundError(
            "accounts.link_invalid",
            "This sign-in link has been used or is too old. Sign in with your password, "
            "or start Packshot again to print a new link.",
        )
    return OneTimeLogin.objects.select_related("user").get(digest=digest).user
