"""Who runs the loops: one row in the database, held for seconds at a time.

Instants are the database's own, so that the clocks of two machines need not agree. A leader that
is cut off stops acting by its own monotonic clock before another one may begin.
"""

from __future__ import annotations

import hashlib
import os
import platform
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now

from apps.compute.models import LoopLease
from apps.core.ids import new_id

LEASE_SECONDS: Final = 3.0
_MARGIN_SECONDS: Final = 0.5
"""How much earlier than the row a leader believes itself to have lost the lead."""


class Leadership:
    """The claim of this process to the loops. One thread renews it, the loops ask it.

    Parameters
    ----------
    rivals
        Other claims under which some of the same loops would run: nobody leads beside them.
    """

    def __init__(self, loop: str = "conductor", *, rivals: Sequence[str] = ()) -> None:
        self._loop = loop
        self._rivals = rivals
        self._holder = f"{_machine()}:{os.getpid()}:{new_id('ldr')[-8:]}"
        self._leads_until = 0.0

    def leads(self) -> bool:
        """Return whether this process may act now."""
        return time.monotonic() < self._leads_until

    def renew(self) -> bool:
        """Take or keep the lead if nobody else has it. Return whether this process leads."""
        asked_at = time.monotonic()
        if self._claim():
            self._leads_until = asked_at + LEASE_SECONDS - _MARGIN_SECONDS
        else:
            self._leads_until = 0.0
        return self.leads()

    def give_up(self) -> None:
        """Let the next one begin at once."""
        self._leads_until = 0.0
        LoopLease.objects.filter(loop=self._loop, holder=self._holder).delete()

    def _claim(self) -> bool:
        if LoopLease.objects.filter(loop__in=self._rivals, expires_at__gt=Now()).exists():
            return False
        mine = {"holder": self._holder, "expires_at": Now() + timedelta(seconds=LEASE_SECONDS)}
        row = LoopLease.objects.filter(loop=self._loop)
        if row.filter(Q(holder=self._holder) | Q(expires_at__lt=Now())).update(**mine):
            return True
        other = row.values_list("holder", flat=True).first()
        if other is not None:
            return _is_dead(other) and bool(row.filter(holder=other).update(**mine))
        with suppress(IntegrityError), transaction.atomic():
            LoopLease.objects.create(loop=self._loop, **mine)
            return True
        return False


def _machine() -> str:
    """Return a mark of this machine's present process table: host, boot and process namespace."""
    parts = [socket.gethostname()]
    if platform.system() == "Linux":
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii"))
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    digest = hashlib.blake2s("|".join(parts).encode(), digest_size=8).hexdigest()
    return f"{parts[0][:40]}.{digest}"


def _is_dead(holder: str) -> bool:
    """Return whether a holder is known to have ended: a process of this machine that is no more."""
    machine, _, rest = holder.rpartition(":")[0].rpartition(":")
    if machine != _machine() or not rest.isdigit() or int(rest) == os.getpid():
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
