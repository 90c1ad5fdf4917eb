"""Ordering a shoot: what is written, what is held, what is refused."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from apps.billing.models import CreditAccount, LedgerEntry
from apps.compute.models import WorkItem
from apps.core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    LimitError,
    NotFoundError,
)
from apps.events.models import Event
from apps.studio.estimates import seed_of
from apps.studio.models import Render, Shoot, Shot
from apps.studio.services.ordering import cancel_shoot, order_shoot, retry_render
from apps.studio.services.quoting import quote_shoot
from tests.apps.studio.conftest import make_photo

pytestmark = pytest.mark.usefixtures("in_ateliers", "redis_server")


def an_order(photos: list[Any], **changes: Any) -> dict[str, Any]:
    return {
        "photo_ids": [photo.pk for photo in photos],
        "scene_slug": "packshot-white",
        "sales_channels": ["shopify", "amazon-main"],
        **changes,
    }


def balance() -> tuple[int, int]:
    account = CreditAccount.objects.get()
    return account.available, account.reserved


def nothing_was_written() -> bool:
    kept = Shoot, Shot, Render, WorkItem
    return (
        not any(model.objects.exists() for model in kept)
        and balance() == (200, 0)
        and not LedgerEntry.objects.filter(kind="hold").exists()
        and not Event.objects.filter(kind="shoot.ordered").exists()
    )


def test_ben_orders_a_shoot_and_every_take_of_every_photo_becomes_a_render(ben, photos):
    shoot = order_shoot(actor=ben.actor, **an_order(photos, takes=2, name="  Spring   boots "))

    renders = list(shoot.renders.all())
    assert (shoot.number, shoot.name, shoot.credits) == (1, "Spring boots", 6)
    assert [(r.shot.photo_id, r.take) for r in renders] == [
        (photo.pk, take) for photo in photos for take in (1, 2)
    ]
    assert shoot.sales_channels == ["shopify", "amazon-main"]
    assert shoot.ordered_by == "ben@ateliers.example"


def test_every_render_holds_one_credit_and_has_one_work_item(ben, photos):
    shoot = order_shoot(actor=ben.actor, **an_order(photos, takes=2))

    ids = {render.pk for render in shoot.renders.all()}
    holds = LedgerEntry.objects.filter(kind="hold")
    items = WorkItem.objects.all()
    assert balance() == (194, 6)
    assert Counter(holds.values_list("subject", flat=True)) == Counter(ids)
    assert Counter(items.values_list("subject", flat=True)) == Counter(ids)
    assert {item.group for item in items} == {shoot.pk}


def test_the_work_holds_all_a_worker_needs(ben, photos):
    shoot = order_shoot(actor=ben.actor, **an_order(photos[:1], framing_fill=0.7))

    item = WorkItem.objects.get()
    assert item.kind == "packshot"
    assert item.order["source_key"] == photos[0].photo_key
    assert item.order["scene"]["framing"]["fill"] == 0.7
    assert [output["name"] for output in item.order["outputs"]] == ["shopify", "amazon-main"]
    assert item.order["outputs"][1]["exact_white"] is True
    assert item.order["seed"] == seed_of(shoot=shoot.pk, photo=photos[0].pk, take=1)
    assert item.cost_units == pytest.approx(2048 * 2048 / 1e6 + 4)


@pytest.mark.parametrize(
    ("scene", "kind"), [("oak-window", "scene"), ("seamless-sand", "packshot")]
)
def test_the_scene_decides_which_pipeline_runs(ben, photos, scene, kind):
    order_shoot(
        actor=ben.actor,
        **an_order(photos[:1], scene_slug=scene, sales_channels=["shopify"]),
    )

    assert WorkItem.objects.get().kind == kind


def test_a_photo_named_twice_is_shot_once(ben, photos):
    shoot = order_shoot(actor=ben.actor, **an_order([photos[0], photos[0], photos[1]]))

    assert shoot.renders.count() == 2


def test_shoots_of_a_workspace_count_up(ben, photos):
    numbers = [order_shoot(actor=ben.actor, **an_order(photos)).number for _ in range(3)]

    assert numbers == [1, 2, 3]


def test_a_small_order_is_interactive_and_a_large_one_bulk(ben, ateliers):
    photos = [make_photo(ateliers, number) for number in range(21)]

    order_shoot(actor=ben.actor, **an_order(photos[:20], takes=2))
    assert set(WorkItem.objects.values_list("urgency", flat=True)) == {"interactive"}

    last = order_shoot(actor=ben.actor, **an_order(photos, takes=2))
    bulk = WorkItem.objects.filter(group=last.pk)
    assert set(bulk.values_list("urgency", flat=True)) == {"bulk"}


def test_the_order_is_one_event(ben, photos):
    shoot = order_shoot(actor=ben.actor, **an_order(photos))

    event = Event.objects.get(kind="shoot.ordered")
    assert event.subject == shoot.pk
    assert event.data == {"number": 1, "renders": 3, "credits": 3}


def test_too_few_credits_leave_nothing_behind(ben, photos):
    CreditAccount.objects.update(available=5)

    with pytest.raises(LimitError) as refusal:
        order_shoot(actor=ben.actor, **an_order(photos, takes=2))

    CreditAccount.objects.update(available=200)
    assert refusal.value.code == "billing.credits_exhausted"
    assert nothing_was_written()


def test_an_intake_that_refuses_leaves_nothing_behind(ben, photos, monkeypatch):
    def refuse(**_: Any) -> None:
        raise InvalidError("compute.order_invalid", "no")

    monkeypatch.setattr("apps.studio.services.ordering.intake.submit", refuse)

    with pytest.raises(InvalidError):
        order_shoot(actor=ben.actor, **an_order(photos))

    assert nothing_was_written()


def test_eves_photos_cannot_be_ordered_from_ateliers(ben, eve, photos):
    foreign = make_photo(eve.tenant, 9)

    with pytest.raises(NotFoundError) as refusal:
        order_shoot(actor=ben.actor, **an_order([*photos, foreign]))

    assert refusal.value.code == "studio.photo_missing"
    assert nothing_was_written()


@pytest.mark.parametrize("who", ["rita", "vera"])
def test_reviewers_and_viewers_may_not_order(who, request, photos):
    person = request.getfixturevalue(who)

    with pytest.raises(ForbiddenError):
        order_shoot(actor=person.actor, **an_order(photos))

    assert nothing_was_written()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"photo_ids": []}, "studio.photos_missing"),
        ({"scene_slug": "moon"}, "studio.scene_unknown"),
        ({"sales_channels": []}, "studio.sales_channel_missing"),
        ({"sales_channels": ["moon"]}, "studio.sales_channel_unknown"),
        ({"takes": 9}, "studio.takes_out_of_range"),
        ({"framing_fill": 1.2}, "studio.fill_out_of_range"),
        ({"name": "x" * 121}, "studio.name_too_long"),
        ({"scene_slug": "oak-window"}, "studio.scene_not_white"),
    ],
)
def test_input_that_cannot_be_used_is_refused_by_its_name(ben, photos, change, code):
    with pytest.raises(InvalidError) as refusal:
        order_shoot(actor=ben.actor, **an_order(photos, **change))

    assert refusal.value.code == code
    assert nothing_was_written()


def test_a_quote_names_price_and_balance_and_writes_nothing(ben, photos):
    quote = quote_shoot(actor=ben.actor, **an_order(photos, takes=2))

    assert (quote.renders, quote.credits) == (6, 6)
    assert (quote.available, quote.available_after, quote.missing) == (200, 194, 0)
    assert nothing_was_written()


def test_a_quote_beyond_the_balance_says_what_is_missing(ben, photos):
    CreditAccount.objects.update(available=4)

    quote = quote_shoot(actor=ben.actor, **an_order(photos, takes=2))

    assert quote.missing == 2


def test_the_quote_stays_with_the_shoot(ben, photos):
    shoot = order_shoot(actor=ben.actor, **an_order(photos))

    assert shoot.quote["credits"] == 3
    assert set(shoot.quote) >= {"finish_p50_seconds", "finish_p90_seconds"}


def failed_render(ben: Any, photos: list[Any], report: Any) -> Render:
    shoot = order_shoot(actor=ben.actor, **an_order(photos[:1]))
    render = shoot.renders.get()
    report("failed", render, failure_code="engine.crashed")
    return render


def test_a_failed_render_is_retried_as_a_new_one_with_its_own_credit(ben, photos, report):
    failed = failed_render(ben, photos, report)
    assert balance() == (200, 0)

    again = retry_render(actor=ben.actor, render_id=failed.pk)

    assert (again.retry_of_id, again.take, again.seed) == (failed.pk, failed.take, failed.seed)
    assert balance() == (199, 1)
    assert WorkItem.objects.get(subject=again.pk).group == failed.shoot_id
    assert Shoot.objects.get().state == "rendering"
    event = Event.objects.get(kind="render.retried")
    assert (event.subject, event.data["retry"]) == (failed.pk, again.pk)


def test_a_render_is_retried_once_only(ben, photos, report):
    failed = failed_render(ben, photos, report)
    retry_render(actor=ben.actor, render_id=failed.pk)

    with pytest.raises(ConflictError) as refusal:
        retry_render(actor=ben.actor, render_id=failed.pk)

    assert refusal.value.code == "studio.already_retried"
    assert balance() == (199, 1)


def test_a_retry_that_fails_can_be_retried(ben, photos, report):
    failed = failed_render(ben, photos, report)
    second = retry_render(actor=ben.actor, render_id=failed.pk)
    report("failed", second, failure_code="engine.crashed")

    third = retry_render(actor=ben.actor, render_id=second.pk)

    assert third.retry_of_id == second.pk


def test_only_a_failed_render_is_retried(ben, photos):
    shoot = order_shoot(actor=ben.actor, **an_order(photos[:1]))

    with pytest.raises(ConflictError) as refusal:
        retry_render(actor=ben.actor, render_id=shoot.renders.get().pk)

    assert refusal.value.code == "studio.not_failed"


def test_eve_cannot_retry_a_render_of_ateliers(ben, eve, photos, report):
    from apps.tenants.scope import tenant_scope

    failed = failed_render(ben, photos, report)

    with tenant_scope(eve.tenant.pk), pytest.raises(NotFoundError):
        retry_render(actor=eve.actor, render_id=failed.pk)


def test_a_canceled_shoot_gives_back_what_was_not_made(ben, photos, report):
    shoot = order_shoot(actor=ben.actor, **an_order(photos))
    report("succeeded", shoot.renders.first())

    cancel_shoot(actor=ben.actor, shoot_id=shoot.pk)

    states = Counter(shoot.renders.values_list("state", flat=True))
    assert states == {"succeeded": 1, "canceled": 2}
    assert balance() == (199, 0)
    assert Shoot.objects.get().state == "canceled"
    assert Event.objects.filter(kind="shoot.canceled", subject=shoot.pk).count() == 1


def test_a_shoot_that_has_ended_is_not_canceled(ben, photos, report):
    shoot = order_shoot(actor=ben.actor, **an_order(photos[:1]))
    report("succeeded", shoot.renders.get())

    with pytest.raises(ConflictError) as refusal:
        cancel_shoot(actor=ben.actor, shoot_id=shoot.pk)

    assert refusal.value.code == "studio.shoot_ended"


def test_vera_may_not_cancel(ben, vera, photos):
    shoot = order_shoot(actor=ben.actor, **an_order(photos))

    with pytest.raises(ForbiddenError):
        cancel_shoot(actor=vera.actor, shoot_id=shoot.pk)

    assert Shoot.objects.get().state == "rendering"
