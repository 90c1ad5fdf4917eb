"""Figures of the product, printed beside what a bare queue does on the same machine.

``latency`` looks at a running ``make up``; all others start a stack of their own, on SQLite or on
the PostgreSQL server that ``DATABASE_URL`` names, and throw it away afterwards. An otherwise idle
machine is assumed.
"""

from __future__ import annotations

import logging
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from apps.core.embedded_redis import RedisMissing
from apps.integrations.benches import dispatch, fleet, latency, ordering, overhead, stack
from apps.integrations.benches.figures import Table

_OPTIONS = (
    "rows",
    "tenants",
    "ticks",
    "renders",
    "rounds",
    "span",
    "max_workers",
    "render_seconds",
    "start_seconds",
)


class Command(BaseCommand):
    """Measure and print."""

    help = "Measure the product: bench latency | dispatch | order | overhead | fleet."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name what to measure, and how much of it."""
        parser.add_argument("what", choices=["latency", "dispatch", "order", "overhead", "fleet"])
        parser.add_argument("--rounds", type=int, default=10, help="latency, order")
        parser.add_argument("--rows", type=int, default=100_000, help="dispatch: queued renders")
        parser.add_argument("--tenants", type=int, default=1_000, help="dispatch: workspaces")
        parser.add_argument("--ticks", type=int, default=200, help="dispatch: decisions")
        parser.add_argument("--renders", type=int, default=0, help="order, overhead, fleet")
        parser.add_argument(
            "--workload", default="launch-day", help="fleet: a generator, or the path of a trace"
        )
        parser.add_argument("--span", type=int, default=300, help="fleet: seconds of arrivals")
        parser.add_argument("--max-workers", type=int, default=32, help="fleet")
        parser.add_argument("--render-seconds", type=int, default=4, help="fleet: of each render")
        parser.add_argument("--start-seconds", type=int, default=8, help="fleet: of each worker")
        # The command itself, started again on the stack that it has made.
        parser.add_argument("--inside", action="store_true", help="measure on this very stack")

    def handle(self, *args: Any, **options: Any) -> None:
        """Measure here, or start anew on a stack of its own."""
        for name in _OPTIONS:
            if options[name] < (0 if name == "renders" else 1):
                raise CommandError(f"--{_flag(name)} must be at least 1.")
        try:
            if options["what"] == "latency":
                print(latency.measure(rounds=options["rounds"]).text())
            elif options["inside"]:
                logging.getLogger().setLevel(logging.WARNING)
                call_command("migrate", interactive=False, verbosity=0)
                print(f"{_measured(options).text()}\n  on {connection.vendor}")
            else:
                _start_inside(options)
        except (RedisMissing, stack.NotMeasurable) as error:
            raise CommandError(str(error)) from error


def _measured(options: dict[str, Any]) -> Table:
    match options["what"]:
        case "dispatch":
            return dispatch.measure(
                rows=options["rows"], tenants=options["tenants"], ticks=options["ticks"]
            )
        case "order":
            return ordering.measure(renders=options["renders"] or 1_000, rounds=options["rounds"])
        case "fleet":
            return fleet.measure(_drill(options))
        case _:
            return overhead.measure(renders=options["renders"] or 200)


def _drill(options: dict[str, Any]) -> fleet.Drill:
    return fleet.Drill(
        source=options["workload"],
        span_seconds=options["span"],
        most_renders=options["renders"] or 600,
        render_seconds=options["render_seconds"],
        start_seconds=options["start_seconds"],
        max_workers=options["max_workers"],
    )


def _flag(name: str) -> str:
    return name.replace("_", "-")


def _start_inside(options: dict[str, Any]) -> None:
    knobs = [word for name in _OPTIONS for word in (f"--{_flag(name)}", str(options[name]))]
    knobs += ["--workload", options["workload"]]
    with stack.throwaway_environ() as environ:
        code = stack.run(["bench", options["what"], "--inside", *knobs], environ)
    if code:
        raise CommandError(f"The measurement ended with exit code {code}.")
