"""Compare scaling policies on a trace or a made workload: no database, no Redis, no workers."""

from __future__ import annotations

import json
import time
from argparse import RawDescriptionHelpFormatter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.compute.simulator.chart import chart
from apps.compute.simulator.engine import Record, SimulationError
from apps.compute.simulator.estimates import EstimateError
from apps.compute.simulator.experiment import DISPATCH, Conditions, replay
from apps.compute.simulator.fleet import NEVER, Machines
from apps.compute.simulator.generators import GENERATORS, workload_from_text
from apps.compute.simulator.outcome import Outcome, outcome_of, table
from apps.compute.simulator.policies import (
    GRAMMAR,
    PolicyError,
    is_packshot,
    policy_from_text,
)
from apps.compute.simulator.trace import read_trace
from apps.compute.simulator.workload import Workload, WorkloadError, with_noisy_neighbor

DEFAULT_POLICIES: Final = ("packshot", "request-count:2:300:1", "keda:5")
FOLDED_DAYS: Final = "4:15"
_LEAST: Final = {
    "cold_start": 0.0,
    "cold_start_p95": 0.0,
    "max_workers": 1,
    "initial_workers": 0,
    "target_wait": 0.0,
    "swap": 0.0,
    "batch_fixed": 0.0,
    "failures": 0.0,
    "spot": 0.0,
    "estimate_factor": 0.01,
    "estimate_sigma": 0.0,
    "seed": 0,
}


class Command(BaseCommand):
    """Replay a workload under each policy and print one row for each."""

    help = "Compare scaling policies by replaying a trace through the production policy."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django reads a class attribute

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """List policies and workloads below the options."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.formatter_class = RawDescriptionHelpFormatter
        policies = "\n".join(f"  {name}\n      {words}" for name, words in GRAMMAR.items())
        workloads = "\n".join(f"  {name}\n      {words}" for name, words in GENERATORS.items())
        parser.epilog = f"policies:\n{policies}\n\nworkloads:\n{workloads}"
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the workload, the policies and the machines."""
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument("--trace", type=Path, help="CSV or CSV.gz: arrival_s,tenant,work_s,…")
        source.add_argument("--workload", help="a made one: NAME or NAME:key=value:…")
        parser.add_argument("--policy", action="append", help="see below; may be repeated")
        parser.add_argument("--cold-start", type=float, default=90.0, help="seconds, p50")
        parser.add_argument("--cold-start-p95", type=float, default=0.0, help="0: always the p50")
        parser.add_argument("--max-workers", type=int, default=12)
        parser.add_argument("--initial-workers", type=int, default=0, help="warm at the start")
        parser.add_argument("--target-wait", type=float, default=30.0, help="seconds")
        parser.add_argument(
            "--dispatch",
            choices=sorted(DISPATCH),
            help="of all policies; by itself fifo, and the product's own for packshot",
        )
        parser.add_argument("--full", action="store_true", help="batches, affinity and swaps")
        parser.add_argument("--swap", type=float, default=15.0, help="seconds, with --full")
        parser.add_argument("--batch-fixed", type=float, default=18.0, help="with --full: seconds")
        parser.add_argument(
            "--fold",
            nargs="?",
            const=FOLDED_DAYS,
            metavar="FIRST:LAST",
            help=f"lay these days upon one, counted from 0; {FOLDED_DAYS} by itself",
        )
        parser.add_argument("--noisy", metavar="JOBS:SECONDS[:AT]", help="add a noisy neighbor")
        parser.add_argument("--failures", type=float, default=0.0, help="mean hours of a worker")
        parser.add_argument("--spot", type=float, default=0.0, help="mean hours until a reclaim")
        parser.add_argument("--outage", metavar="FROM:UNTIL", help="no launches, in hours")
        parser.add_argument("--true-sizes", action="store_true", help="estimates know the work")
        parser.add_argument("--estimate-factor", type=float, default=1.0)
        parser.add_argument("--estimate-sigma", type=float, default=0.0, help="of the logarithm")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--json", action="store_true", help="one JSON object for each policy")
        parser.add_argument("--plot", type=Path, metavar="FILE.svg")

    def handle(self, *args: Any, **options: Any) -> None:
        """Simulate and print."""
        try:
            _check_numbers(options)
            workload = _workload(options)
            names: Sequence[str] = options["policy"] or DEFAULT_POLICIES
            for name in names:
                _policy(name, workload, options)
            runs = [self._run(name, workload, options) for name in names]
        except (WorkloadError, PolicyError, SimulationError) as error:
            raise CommandError(str(error)) from error
        if not options["json"]:
            self.stdout.write(table(workload, [outcome for outcome, _ in runs]))
        if options["plot"]:
            drawn = chart(workload, [(outcome.policy, record) for outcome, record in runs])
            try:
                options["plot"].write_text(drawn, encoding="utf-8")
            except OSError as error:
                raise CommandError(f"The chart cannot be written: {error}.") from error

    def _run(
        self, name: str, workload: Workload, options: dict[str, Any]
    ) -> tuple[Outcome, Record]:
        began = time.perf_counter()
        record = replay(workload, _policy(name, workload, options), _conditions(name, options))
        outcome = outcome_of(name, workload, record, options["target_wait"])
        outcome = replace(outcome, wall_s=round(time.perf_counter() - began, 3))
        if options["json"]:
            self.stdout.write(json.dumps(asdict(outcome)))
        return outcome, record


def _workload(options: dict[str, Any]) -> Workload:
    if options["trace"]:
        days = None
        if options["fold"]:
            first, last = _numbers(options["fold"], "--fold", "the first and the last day", 2)
            days = (int(first), int(last))
        workload = read_trace(options["trace"], fold_days=days)
    else:
        if options["fold"]:
            raise WorkloadError("--fold lays the days of a trace upon one; give --trace with it.")
        workload = workload_from_text(options["workload"], seed=options["seed"])
    if options["noisy"]:
        jobs, seconds, *at = _numbers(options["noisy"], "--noisy", "jobs, seconds and moment", 3)
        workload = with_noisy_neighbor(
            workload, jobs=int(jobs), seconds=seconds, at=at[0] if at else None
        )
    return workload


def _numbers(text: str, option: str, meaning: str, most: int) -> list[float]:
    """Return two numbers, or up to `most`, that are separated by colons."""
    try:
        numbers = [float(part) for part in text.split(":")]
    except ValueError:
        numbers = []
    if not (2 <= len(numbers) <= most and all(0 <= number < NEVER for number in numbers)):
        raise WorkloadError(f"{option} {text!r} cannot be read: give {meaning}, as in 2:5.")
    return numbers


def _check_numbers(options: dict[str, Any]) -> None:
    for name, least in _LEAST.items():
        if not least <= options[name] < NEVER:
            option = name.replace("_", "-")
            raise CommandError(f"--{option} {options[name]} is too small; give {least:g} or more.")


def _policy(name: str, workload: Workload, options: dict[str, Any]) -> Any:
    return policy_from_text(
        name,
        workload,
        max_workers=options["max_workers"],
        target_wait_seconds=options["target_wait"],
    )


def _conditions(name: str, options: dict[str, Any]) -> Conditions:
    outage = (NEVER, NEVER)
    if options["outage"]:
        start, end = _numbers(options["outage"], "--outage", "from and until, in hours", 2)
        outage = (start * 3600, end * 3600)
    return Conditions(
        machines=Machines(
            cold_start_p50=options["cold_start"],
            cold_start_p95=options["cold_start_p95"],
            hours_between_failures=options["failures"],
            hours_between_reclaims=options["spot"],
            outage=outage,
        ),
        max_workers=options["max_workers"],
        target_wait_seconds=options["target_wait"],
        initial_workers=options["initial_workers"],
        dispatch=options["dispatch"] or ("packshot" if is_packshot(name) else "fifo"),
        swap_seconds=options["swap"] if options["full"] else 0.0,
        batches=options["full"],
        batch_fixed_seconds=options["batch_fixed"],
        knows_sizes=options["true_sizes"],
        estimate_error=EstimateError(options["estimate_factor"], options["estimate_sigma"]),
        seed=options["seed"],
    )
