"""``python -m gpu_workers bench speed`` at sizes that are quick."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gpu_workers import bench_speed
from gpu_workers.__main__ import main
from gpu_workers.bench_speed import Measured, table

STEPS = [
    "decode",
    "find",
    "refine",
    "matte",
    "colors",
    "find to colors",
    "keep the cutout",
    "read it again",
    "place",
    "compose scene",
    "finish scene",
    "compose packshot",
    "finish packshot",
    "encode",
    "encode exact white",
    "Pillow alone",
]


@pytest.fixture
def _one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure in the test's own process: starting others takes seconds."""

    def here(work, *arguments):
        seconds, data = work(*arguments)
        return seconds, 123.0, data

    monkeypatch.setattr(bench_speed, "_alone", here)


@pytest.mark.usefixtures("_one_process")
def test_every_step_of_every_size_has_its_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "speed", "--sizes", "160", "200", "--tries", "1", "--json"]) == 0

    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["size_px"] for row in rows] == [160, 200]
    for row in rows:
        named = list(row["cpu_seconds"])
        assert named[: len(STEPS)] == STEPS
        assert named[-2:] == ["packshot render", "scene render"]
        assert all(seconds >= 0 for seconds in row["cpu_seconds"].values())
        assert row["peak_mb"] == 123.0


@pytest.mark.usefixtures("_one_process")
def test_a_photo_is_measured_at_the_sizes_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = np.full((300, 240, 3), 226, np.uint8)
    picture[60:240, 70:170] = (120, 30, 34)
    Image.fromarray(picture).save(tmp_path / "box.png")
    asked = ["--sizes", "160", "--tries", "1", "--photo", str(tmp_path / "box.png")]

    assert main(["bench", "speed", *asked]) == 0

    text = capsys.readouterr().out
    assert "160 px" in text
    assert "peak MB, kept cutout" in text


def test_the_table_tells_each_step_in_times_of_pillow_alone() -> None:
    seconds = {"find": 3.0, "Pillow alone": 0.5, "packshot render": 0.25, "scene render": 0.8}

    text = table([Measured(1000, seconds, 900.0, 300.0)])

    rows = {line[:24].strip(): line[24:].split() for line in text.splitlines()}
    assert rows["find"] == ["3.000", "6.0"]
    assert rows["Pillow alone"] == ["0.500", "1.0"]
    assert text.splitlines()[-4].split()[-1] == "4.00"
    assert text.splitlines()[-1].split()[-1] == "300"


def test_peak_memory_is_that_of_a_process_of_its_own() -> None:
    _, peak, _ = bench_speed._alone(_hold, 300)

    assert 300 < peak < 900


def _hold(megabytes: int) -> tuple[dict[str, float], bytes]:
    held = np.ones(megabytes * 1024**2 // 8)
    return {"held": float(held[0])}, b""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--sizes", "9000"], "--sizes 9000: 64 to 4000 px expected"),
        (["--photo", "nowhere.jpg"], "nowhere.jpg cannot be read"),
        (["--photo", __file__], "cannot be read"),
    ],
)
def test_what_cannot_be_measured_is_said(
    capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert main(["bench", "speed", *arguments]) == 2

    assert says in capsys.readouterr().err
