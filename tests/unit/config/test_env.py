"""The environment of a fleet: what is read, and the sentence for what cannot be."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.env import read_env


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("PACKSHOT_VAR_DIR", str(tmp_path))
    for name in ("FLEET", "MIN_WORKERS", "MAX_WORKERS", "TARGET_WAIT_SECONDS", "FORECAST"):
        monkeypatch.delenv(f"PACKSHOT_{name}", raising=False)


def test_a_fleet_without_settings_keeps_one_cpu_worker_and_waits_for_its_operator() -> None:
    env = read_env()

    assert (env.fleet, env.min_workers, env.max_workers) == ("static", {"cpu": 1}, {})
    assert (env.target_wait_seconds, env.forecast) == (30.0, "shadow")


def test_workers_are_written_by_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACKSHOT_MAX_WORKERS", " cpu=4, gpu-large=12 ")
    monkeypatch.setenv("PACKSHOT_MIN_WORKERS", "")

    env = read_env()

    assert (env.max_workers, env.min_workers) == ({"cpu": 4, "gpu-large": 12}, {})


@pytest.mark.parametrize(
    ("name", "value", "cure"),
    [
        ("PACKSHOT_FLEET", "docker", "none of: local, static, ray, kubernetes"),
        ("PACKSHOT_FORECAST", "yes", "none of: shadow, on, off"),
        ("PACKSHOT_MAX_WORKERS", "4", "like cpu=4,gpu=2"),
        ("PACKSHOT_MAX_WORKERS", "cpu=-1", "like cpu=4,gpu=2"),
        ("PACKSHOT_MIN_WORKERS", "cuda=1", "there are cpu, gpu, gpu-large"),
        ("PACKSHOT_TARGET_WAIT_SECONDS", "half a minute", "is no number"),
        ("PACKSHOT_WORKER_BUDGET_SECONDS_PER_HOUR", "nan", "is no number"),
        ("PACKSHOT_MAX_WORKERS_PER_TENANT", "-2", "is no number"),
    ],
)
def test_a_wrong_value_ends_the_start_with_its_name_and_the_cure(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, cure: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ImproperlyConfigured) as refused:
        read_env()

    assert name in str(refused.value)
    assert cure in str(refused.value)
