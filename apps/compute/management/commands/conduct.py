"""Run the conductor: dispatcher, relay, sweeper and autoscaler."""

from __future__ import annotations

import os
import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.compute.conductor import PARTS, Conductor
from apps.core.diagnostics import answer_usr1


class Command(BaseCommand):
    """Move work to the workers and their reports back, until SIGTERM."""

    help = "Run dispatcher, relay, sweeper and autoscaler. A second copy stands by."

    def add_arguments(self, parser: CommandParser) -> None:
        """Offer to run one part alone."""
        parser.add_argument(
            "--only",
            choices=PARTS,
            default="",
            help="run one part in this process, and the others elsewhere; the relay brings the "
            "sweeper along. While any part runs alone, a conductor of all parts stands by.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Conduct until a signal; exit with status 1 if a loop ends by itself."""
        answer_usr1()
        conductor = Conductor(options["only"])
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: conductor.stop())
        ended_well = conductor.run(
            on_lead=lambda: self._say("conducting"), on_standby=lambda: self._say("standing by")
        )
        if not ended_well:
            # Not sys.exit: a loop that hangs in a native call may not keep the process alive.
            self.stderr.write("a loop has ended; leaving so that it is started afresh")
            self.stderr.flush()
            os._exit(1)

    def _say(self, what: str) -> None:
        self.stdout.write(f"conductor {what} (pid {os.getpid()})")
        self.stdout.flush()
