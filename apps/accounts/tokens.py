"""Secrets that travel in links, and the digests that are stored of them.

An invitation's token is derived from the row and the secret key, so that the job that writes the
mail needs the row's id only and no secret passes through the queue.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import datetime

from django.utils.crypto import salted_hmac


def invitation_token(invitation_id: str, expires_at: datetime) -> str:
    """Return the token of an invitation: new with every renewal, as the expiry changes."""
    moment = round(expires_at.timestamp() * 1_000_000)
    mac = salted_hmac("packshot.invitation", f"{invitation_id}:{moment}", algorithm="sha256")
    return base64.urlsafe_b64encode(mac.digest()).rstrip(b"=").decode("ascii")


def random_token() -> str:
    """Return 256 random bits for a link."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """Return the SHA-256 that is stored in place of a token, 64 hexadecimal digits."""
    return hashlib.sha256(token.encode()).hexdigest()
