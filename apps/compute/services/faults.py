"""Which errors pass by themselves: a store that is away, a lock that was held too long."""

from __future__ import annotations

from typing import Final

import redis
from django.db import InterfaceError, OperationalError

TRANSIENT: Final = (
    OperationalError,
    InterfaceError,
    redis.RedisError,
    ConnectionError,
    TimeoutError,
)
"""The work that met one of these is done again later; nothing is decided by it."""
