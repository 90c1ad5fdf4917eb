"""One conductor leads; the next one is ready."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from django.db import OperationalError
from django.db.models.functions import Now

from apps.compute.loop import run_loop
from apps.compute.models import LoopLease
from apps.compute.services import leadership
from apps.compute.services.leadership import Leadership

pytestmark = pytest.mark.django_db(transaction=True)


def test_only_one_leads() -> None:
    first, second = Leadership(), Leadership()

    assert first.renew()
    assert not second.renew()
    assert first.renew()
    assert (first.leads(), second.leads()) == (True, False)


def test_a_leader_that_gives_up_is_followed_at_once() -> None:
    first, second = Leadership(), Leadership()
    first.renew()

    first.give_up()

    assert second.renew()
    assert not first.leads()


def test_an_expired_lead_is_taken_over_and_noticed() -> None:
    first, second = Leadership(), Leadership()
    first.renew()
    LoopLease.objects.update(expires_at=Now())
    time.sleep(0.01)

    assert second.renew()
    assert not first.renew()
    assert not first.leads()


def test_a_leader_known_to_be_dead_is_followed_before_its_lease_ends() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    first = Leadership()
    first.renew()
    LoopLease.objects.update(holder=f"{leadership._machine()}:{ended.pid}:ldr_x")

    assert Leadership().renew()


@pytest.mark.parametrize("holder", ["{machine}:{alive}:x", "elsewhere.0123:{dead}:x", "odd", ""])
def test_a_leader_that_may_live_is_left_alone(holder: str) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    name = holder.format(machine=leadership._machine(), alive=os.getppid(), dead=ended.pid)
    Leadership().renew()
    LoopLease.objects.update(holder=name)

    assert not Leadership().renew()


def test_a_leader_that_cannot_renew_stops_by_its_own_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = Leadership()
    first.renew()
    later = time.monotonic() + leadership.LEASE_SECONDS - 0.4

    monkeypatch.setattr(leadership.time, "monotonic", lambda: later)

    assert not first.leads()


class Fragile:
    """A loop that fails as the test wants."""

    name = "fragile"

    def __init__(self, *troubles: Exception | None) -> None:
        self.troubles = list(troubles)
        self.prepared = 0
        self.stepped = 0

    def prepare(self) -> None:
        self.prepared += 1

    def step(self) -> None:
        self.stepped += 1
        trouble = self.troubles.pop(0)
        if not self.troubles:
            self.stop.set()
        if trouble:
            raise trouble

    def run(self, leads: Any = lambda: True) -> None:
        self.stop = threading.Event()
        run_loop(self, stop=self.stop, leads=leads)


def test_a_loop_outlives_a_store_that_is_away() -> None:
    away = OperationalError("the database is starting")
    loop = Fragile(away, away, None, None)

    loop.run()

    assert loop.stepped == 4
    assert loop.prepared == 3


def test_a_loop_ends_with_an_error_nobody_expected() -> None:
    with pytest.raises(KeyError):
        Fragile(None, KeyError("bug"), None).run()


def test_a_loop_rests_while_another_conductor_leads() -> None:
    answers = iter([False, False, True, False, True])
    loop = Fragile(None, None)

    loop.run(leads=lambda: next(answers))

    assert loop.stepped == 2
    assert loop.prepared == 2
