"""The renderer of stated service time: what it takes, and what it refuses."""

from __future__ import annotations

import pytest

from gpu_workers import calibrated
from gpu_workers.errors import DeviceError


def test_an_order_takes_the_time_at_the_place_of_its_seed() -> None:
    environ = {"PACKSHOT_CALIBRATED_SECONDS": "1,2.5,4"}

    assert [calibrated.stated_seconds(seed, environ) for seed in (0, 1, 2, 3, 10**9)] == [
        1.0,
        2.5,
        4.0,
        1.0,
        2.5,
    ]


def test_speed_shortens_everything_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(calibrated.time, "sleep", slept.append)
    environ = {
        "PACKSHOT_CALIBRATED_SECONDS": "30",
        "PACKSHOT_CALIBRATED_START_SECONDS": "90",
        "PACKSHOT_CALIBRATED_SPEED": "60",
    }

    calibrated.prepare(environ)

    assert slept == [1.5]
    assert calibrated.stated_seconds(7, environ) == 0.5


@pytest.mark.parametrize("value", ["soon", "1,,2", "-1", "nan", "inf"])
def test_a_time_that_is_none_makes_the_child_unfit(value: str) -> None:
    with pytest.raises(DeviceError, match="PACKSHOT_CALIBRATED_SECONDS"):
        calibrated.prepare({"PACKSHOT_CALIBRATED_SECONDS": value})
