"""The command that compares policies, as somebody runs it at a shell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

ROOT = Path(__file__).resolve().parents[4]
KEYS = {
    "policy",
    "gpu_hours",
    "work_hours",
    "ratio",
    "within_target",
    "wait_p50_s",
    "wait_p95_s",
    "wait_p99_s",
    "cold_starts",
    "killed",
    "jain",
    "wall_s",
}
SMALL = ["--workload", "noisy-neighbor:renders=300"]


def rows(capsys, *arguments):
    call_command("simulate", *arguments, "--json")
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_one_row_for_each_policy_with_the_promised_keys(capsys):
    found = rows(capsys, *SMALL, "--policy", "packshot", "--policy", "modal:60")
    assert [row["policy"] for row in found] == ["packshot", "modal:60"]
    for row in found:
        assert row.keys() >= KEYS
        assert 0 <= row["within_target"] <= 1
        assert row["ratio"] == pytest.approx(row["gpu_hours"] / row["work_hours"])
        assert row["killed"] == 0


def test_the_same_seed_gives_the_same_answer(capsys):
    def once(seed):
        options = ["--policy", "packshot", "--cold-start-p95", "150", "--seed", seed, "--full"]
        (row,) = rows(capsys, *SMALL, *options)
        return {key: value for key, value in row.items() if key != "wall_s"}

    assert once("1") == once("1") != once("2")


def test_full_mode_swaps_and_batches_and_plain_mode_does_neither(capsys):
    (plain,) = rows(capsys, *SMALL, "--policy", "packshot")
    (full,) = rows(capsys, *SMALL, "--policy", "packshot", "--full")
    assert plain["jobs_per_batch"] == 1.0
    assert full["jobs_per_batch"] > 1.0
    assert full["gpu_hours"] != plain["gpu_hours"]


def test_the_table_and_the_chart_name_the_policies(capsys, tmp_path):
    plot = tmp_path / "plot.svg"
    call_command("simulate", *SMALL, "--policy", "fixed:3", "--policy", "keda:5", plot=plot)
    out = capsys.readouterr().out
    assert "fixed:3" in out
    assert "noisy-neighbor: 300 jobs" in out
    drawn = ET.parse(plot).getroot()
    texts = " ".join("".join(element.itertext()) for element in drawn.iter())
    assert drawn.tag.endswith("svg")
    assert "keda:5" in texts
    assert drawn.get("role") == "img"


def test_it_needs_no_database_no_redis_and_no_networks(tmp_path):
    trace = tmp_path / "t.csv"
    trace.write_text("arrival_s,tenant,work_s\n0,a,5\n10,a,5\n")
    code = (
        "import sys\n"
        "from django.core.management import execute_from_command_line\n"
        f"execute_from_command_line(['manage.py', 'simulate', '--trace', {str(trace)!r}, "
        "'--policy', 'fixed:1'])\n"
        "heavy = {'torch', 'cv2', 'rembg'} & sys.modules.keys()\n"
        "assert not heavy, heavy\n"
    )
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "DATABASE_URL": "postgres://nobody:nothing@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "fixed:1" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--workload", "step", "--policy", "best"], "There is no policy 'best'"),
        (["--workload", "step", "--policy", "keda:x"], "write it as keda:LENGTH"),
        (["--workload", "stairs"], "There is no workload 'stairs'"),
        (["--trace", "nowhere.csv"], "There is no file nowhere.csv"),
        ([*SMALL, "--max-workers", "0"], "--max-workers 0 is too small"),
        ([*SMALL, "--cold-start", "nan"], "--cold-start nan"),
        ([*SMALL, "--fold"], "give --trace with it"),
        ([*SMALL, "--noisy", "many"], "--noisy 'many' cannot be read"),
        ([*SMALL, "--outage", "5"], "--outage '5' cannot be read"),
        ([*SMALL, "--policy", "fixed:0"], "the scaler keeps too few workers"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(arguments, sentence):
    with pytest.raises(CommandError) as caught:
        call_command("simulate", *arguments)
    assert sentence in str(caught.value)


def test_a_chart_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(CommandError, match="chart cannot be written"):
        call_command("simulate", *SMALL, "--policy", "fixed:2", plot=tmp_path / "no" / "plot.svg")
