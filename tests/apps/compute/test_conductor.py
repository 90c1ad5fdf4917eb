"""The conductor's process: roles, readiness and end."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from apps.compute import conductor as module
from apps.compute.conductor import Conductor
from apps.compute.dispatcher import Dispatcher
from apps.compute.models import LoopLease

pytestmark = pytest.mark.django_db(transaction=True)


def conduct(one: Conductor, *, until: Any) -> tuple[bool, list[str]]:
    said: list[str] = []

    def lead() -> None:
        said.append("lead")
        until(one)

    well = one.run(on_lead=lead, on_standby=lambda: said.append("standby"))
    return well, said


def test_a_conductor_leads_and_leaves_cleanly(redis_server: Any) -> None:
    well, said = conduct(Conductor(), until=lambda one: one.stop())

    assert (well, said) == (True, ["lead"])
    assert not LoopLease.objects.exists()
    assert not [t for t in threading.enumerate() if t.name in {"relay", "dispatcher", "sweeper"}]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_conductor_whose_loop_dies_says_so(
    redis_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(self: Dispatcher) -> None:
        raise KeyError("bug")

    monkeypatch.setattr(Dispatcher, "step", die)
    monkeypatch.setattr(module, "_RENEW_SECONDS", 0.1)

    well, _ = conduct(Conductor(), until=lambda one: None)

    assert not well


@pytest.mark.parametrize(
    ("only", "loops"),
    [
        ("", {"relay", "sweeper", "dispatcher", "autoscaler"}),
        ("relay", {"relay", "sweeper"}),
        ("dispatcher", {"dispatcher"}),
        ("autoscaler", {"autoscaler"}),
    ],
)
def test_a_part_of_the_conductor_runs_alone_under_a_lease_of_its_own(
    redis_server: Any, only: str, loops: set[str]
) -> None:
    seen: set[str] = set()
    leases: set[str] = set()

    def look(one: Conductor) -> None:
        seen.update(thread.name for thread in one._threads if thread.is_alive())
        leases.update(LoopLease.objects.values_list("loop", flat=True))
        one.stop()

    well, _ = conduct(Conductor(only), until=look)

    assert well
    assert seen == loops
    assert leases == {f"conductor.{only}" if only else "conductor"}
