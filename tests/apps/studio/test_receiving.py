"""What the queue tells about renders: told once or ten times, it happens once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from apps.billing.models import CreditAccount, LedgerEntry
from apps.events.models import Event
from apps.review.models import Review
from apps.studio.models import Render, Shoot
from apps.studio.services.ordering import order_shoot
from tests.apps.studio.conftest import a_result

pytestmark = pytest.mark.usefixtures("in_ateliers", "redis_server")


@pytest.fixture
def shoot(ben: Any, photos: list[Any]) -> Shoot:
    return order_shoot(
        actor=ben.actor,
        photo_ids=[photo.pk for photo in photos],
        scene_slug="packshot-white",
        sales_channels=["shopify"],
    )


def balance() -> tuple[int, int]:
    account = CreditAccount.objects.get()
    return account.available, account.reserved


def kinds(subject: str) -> list[str]:
    return list(
        Event.objects.filter(subject=subject).order_by("created_at").values_list("kind", flat=True)
    )


def test_a_worker_that_begins_makes_the_card_render(shoot, report):
    render = shoot.renders.first()

    report("started", render)

    render.refresh_from_db()
    assert render.state == "rendering"
    assert render.started_at is not None
    assert kinds(render.pk) == ["render.started"]


def test_a_lost_attempt_puts_the_render_back(shoot, report):
    render = shoot.renders.first()
    report("started", render)

    report("requeued", render)

    render.refresh_from_db()
    assert (render.state, render.started_at) == ("queued", None)


def test_a_success_keeps_files_and_provenance_and_spends_the_credit(shoot, report):
    render = shoot.renders.first()
    report("started", render)

    report("succeeded", render)

    render.refresh_from_db()
    assert render.state == "succeeded"
    assert [file["name"] for file in render.files] == ["shopify", "preview", "cutout"]
    assert (render.engine, render.confidence) == ("classical/1", 0.93)
    assert render.provenance == {
        "versions": {"packshot": "1"},
        "step_seconds": {"cut_out": 2.0},
        "seconds": 4.2,
        "attempt": 1,
        "worker": "w-1",
    }
    assert balance() == (197, 2)
    assert Review.objects.get().render_id == render.pk


@pytest.mark.parametrize(
    ("kind", "values"),
    [("succeeded", {}), ("failed", {"failure_code": "engine.failed"}), ("canceled", {})],
)
def test_an_end_told_five_times_happens_once(shoot, report, kind, values):
    render = shoot.renders.first()
    report(kind, render, **values)
    render.refresh_from_db()
    before = (balance(), kinds(render.pk), render.finished_at, Review.objects.count())

    for _ in range(4):
        report(kind, render, **values)

    render.refresh_from_db()
    after = (balance(), kinds(render.pk), render.finished_at, Review.objects.count())
    assert after == before
    assert (
        LedgerEntry.objects.filter(subject=render.pk, kind__in=["capture", "release"]).count() == 1
    )


def test_the_first_end_wins(shoot, report):
    render = shoot.renders.first()
    report("succeeded", render)

    report("failed", render, failure_code="engine.failed")
    report("canceled", render)
    report("requeued", render)
    report("started", render)

    render.refresh_from_db()
    assert render.state == "succeeded"
    assert LedgerEntry.objects.get(subject=render.pk, kind="capture").credits == 1
    assert not LedgerEntry.objects.filter(subject=render.pk, kind="release").exists()


def test_a_late_success_of_a_canceled_render_changes_nothing(shoot, report):
    render = shoot.renders.first()
    report("canceled", render)

    report("succeeded", render)

    render.refresh_from_db()
    assert render.state == "canceled"
    assert render.files == []
    assert not Review.objects.exists()
    assert balance() == (198, 2)


def test_a_failure_keeps_its_reason_and_gives_the_credit_back(shoot, report):
    render = shoot.renders.first()

    report("failed", render, failure_code="order.source_unusable", failure_detail="x" * 900)

    render.refresh_from_db()
    assert (render.state, render.failure_code) == ("failed", "order.source_unusable")
    assert len(render.failure_detail) == 500
    assert balance() == (198, 2)
    assert not Review.objects.exists()


def test_the_last_end_finishes_the_shoot_whatever_the_ends_were(shoot, report):
    first, second, third = shoot.renders.all()
    report("succeeded", first)
    report("failed", second, failure_code="engine.failed")
    assert Shoot.objects.get().state == "rendering"

    report("succeeded", third)

    finished = Shoot.objects.get()
    assert finished.state == "finished"
    assert finished.finished_at is not None
    assert kinds(shoot.pk).count("shoot.finished") == 1


def test_a_result_without_confidence_is_kept_as_unknown(shoot, report):
    render = shoot.renders.first()
    result = a_result(render)
    del result["confidence"]

    report("succeeded", render, result=result)

    render.refresh_from_db()
    assert render.confidence is None


def test_a_review_that_cannot_be_opened_undoes_the_success(shoot, report, monkeypatch):
    render = shoot.renders.first()

    def refuse(_: Sequence[Render]) -> None:
        raise RuntimeError("review is broken")

    monkeypatch.setattr("apps.studio.services.receiving.finished_receivers", lambda: (refuse,))

    with pytest.raises(RuntimeError):
        report("succeeded", render)

    render.refresh_from_db()
    assert render.state == "queued"
    assert balance() == (197, 3)
