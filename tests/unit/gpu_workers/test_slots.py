"""How much room a machine has, and who gets which device."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gpu_workers import slots
from gpu_workers.config import SettingInvalid
from gpu_workers.slots import Gpu, Slots, slots_from_environ


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(slots, "_DRIVER_FOLDER", tmp_path / "gpus")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


def _install_smi(tmp_path: Path, script: str) -> None:
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)


def test_a_bare_machine_has_a_slot_for_each_usable_cpu_and_no_gpu() -> None:
    assert slots_from_environ({}) == Slots(cpus=len(os.sched_getaffinity(0)), gpus=())


def test_gpus_are_found_by_their_makers_tool_and_sorted_by_memory(tmp_path: Path) -> None:
    _install_smi(tmp_path, "echo '0, 24564'; echo '1, 81559'; echo '2, [N/A]'")

    assert slots_from_environ({}).gpus == (
        Gpu("0", "gpu"),
        Gpu("1", "gpu-large"),
        Gpu("2", "gpu"),
    )


def test_where_the_tool_fails_the_driver_is_counted(tmp_path: Path) -> None:
    _install_smi(tmp_path, "exit 9")
    for name in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / "gpus" / name).mkdir(parents=True)

    assert slots_from_environ({}).gpus == (Gpu("0", "gpu"), Gpu("1", "gpu"))


def test_what_is_set_is_not_looked_for(tmp_path: Path) -> None:
    _install_smi(tmp_path, "echo '0, 24564'")

    assert slots_from_environ({"PACKSHOT_GPUS": "none", "PACKSHOT_CPU_SLOTS": "5"}) == Slots(5, ())
    named = slots_from_environ({"PACKSHOT_GPUS": "3, GPU-8a1f:gpu-large"}).gpus
    assert named == (Gpu("3", "gpu"), Gpu("GPU-8a1f", "gpu-large"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PACKSHOT_CPU_SLOTS", "-1"),
        ("PACKSHOT_CPU_SLOTS", "two"),
        ("PACKSHOT_GPUS", "0:tpu"),
        ("PACKSHOT_GPUS", "0;1"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingInvalid, match=name):
        slots_from_environ({name: value})


def test_a_device_is_given_to_one_worker_at_a_time() -> None:
    room = Slots(2, (Gpu("0", "gpu"), Gpu("1", "gpu-large"), Gpu("2", "gpu")))

    assert room.free_device("gpu", ["0"]) == "2"
    assert room.free_device("gpu", ["0", "2"]) is None
    assert room.free_device("gpu-large", []) == "1"
    assert room.free_device("cpu", [""]) == ""
    assert room.free_device("cpu", ["", ""]) is None
