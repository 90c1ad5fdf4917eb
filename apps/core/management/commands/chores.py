"""Work on everything that is not rendering: exports, mail, housekeeping."""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from typing import Any

import structlog
from django.core.management.base import BaseCommand
from django.db import close_old_connections, connections

from apps.core.chores import chores
from apps.core.diagnostics import answer_usr1
from apps.core.queue import work_chores

_log = structlog.get_logger(__name__)


class Command(BaseCommand):
    """Run the chores queue and, beside it, the periodic chores."""

    help = "Work on the chores queue and run periodic chores."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until SIGTERM."""
        answer_usr1()
        threading.Thread(target=_run_periodic, name="periodic", daemon=True).start()
        # RQ refuses a second worker of one name, so a restart takes a new one.
        work_chores(name=f"chores-{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}")


def _run_periodic() -> None:
    due = {chore.name: time.monotonic() + chore.every_seconds for chore in chores()}
    while True:
        for chore in chores():
            if time.monotonic() < due[chore.name]:
                continue
            close_old_connections()
            try:
                chore.run()
            except Exception:  # noqa: BLE001 - one of the loops that log and go on
                _log.exception("chore_failed", chore=chore.name)
            due[chore.name] = time.monotonic() + chore.every_seconds
        connections.close_all()
        time.sleep(1.0)
