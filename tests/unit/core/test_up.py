"""Which fleet `manage.py up` runs, and for how many workers it waits."""

from __future__ import annotations

import pytest
from django.test import override_settings

from apps.core.management.commands.up import choose_fleet
from apps.core.preflight import NotReady


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PACKSHOT_FLEET", raising=False)


@override_settings(MIN_WORKERS={"cpu": 2, "gpu": 1})
def test_a_bare_machine_follows_the_demand_and_waits_for_the_least_fleet() -> None:
    assert choose_fleet(0) == ("local", 3)


def test_a_fixed_number_of_workers_is_a_static_fleet() -> None:
    assert choose_fleet(4) == ("static", 4)


def test_nobody_waits_for_machines_of_another_fleet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACKSHOT_FLEET", "kubernetes")

    assert choose_fleet(0) == ("kubernetes", 0)


def test_a_fixed_number_of_a_fleet_that_follows_demand_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PACKSHOT_FLEET", "local")

    with pytest.raises(NotReady, match="PACKSHOT_MAX_WORKERS"):
        choose_fleet(4)


def test_less_than_no_worker_is_refused() -> None:
    with pytest.raises(NotReady, match="1 or more"):
        choose_fleet(-1)
