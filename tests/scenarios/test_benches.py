"""Every measurement starts a stack of its own, says something, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.product import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240), pytest.mark.xdist_group("product")]


def bench(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "bench", *words],
        cwd=ROOT,
        env={**os.environ, "PACKSHOT_VAR_DIR": str(tmp_path), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("what", "knobs", "row"),
    [
        ("dispatch", "--rows 60 --tenants 3 --ticks 2", "Packshot: read, decide, commit, enqueue"),
        ("order", "--renders 5 --rounds 1", "service: order"),
        ("overhead", "--renders 4", "Packshot: one order of 4"),
    ],
)
def test_a_measurement_prints_its_row_beside_others(
    tmp_path: Path, what: str, knobs: str, row: str
) -> None:
    done = bench(tmp_path, what, *knobs.split())

    assert done.returncode == 0, done.stderr
    assert row in done.stdout
    assert not list(tmp_path.glob("packshot-bench-*"))


def test_the_real_fleet_is_measured_beside_the_simulator(tmp_path: Path) -> None:
    small = "--renders 12 --span 6 --max-workers 4 --render-seconds 1 --start-seconds 1"

    done = bench(tmp_path, "fleet", *small.split())

    assert done.returncode == 0, done.stderr
    assert re.search(r"^12 renders of 1 s over 6 s \(launch-day\)", done.stdout, re.MULTILINE)
    for row in ("the real fleet", "the simulator", "real / simulated"):
        numbers = re.search(rf"^ *{re.escape(row)} +(.*)", done.stdout, re.MULTILINE)
        assert numbers is not None, done.stdout
        assert "nan" not in numbers[1]
    assert "0 renders begun twice" in done.stdout


@pytest.mark.parametrize(
    ("workload", "cure"),
    [("launch-week", "write one of"), ("nowhere.csv.gz", "write one of"), ("step:x=1", "renders=")],
)
def test_a_workload_that_cannot_be_read_is_refused_with_its_cure(
    tmp_path: Path, workload: str, cure: str
) -> None:
    done = bench(tmp_path, "fleet", "--workload", workload)

    assert done.returncode == 1
    assert cure in done.stderr
    assert "Traceback" not in done.stderr
