"""What is accepted, what is refused, and what that costs."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from apps.compute.models import WorkItem
from apps.compute.services import intake
from apps.core import queue
from apps.core.errors import InvalidError
from apps.tenants.models import Tenant
from apps.tenants.roles import system_actor
from apps.tenants.scope import across_tenants
from tests.apps.compute.conftest import fresh, new_work, submit

pytestmark = pytest.mark.django_db(transaction=True)


def test_work_is_kept_self_contained(redis_server: Any, ateliers: Tenant) -> None:
    (item,) = submit(ateliers, urgency="bulk", cost_units=4.0, seed=7)

    row = fresh(item)
    assert row.tenant_id == ateliers.pk
    assert row.state == "queued"
    assert row.urgency == "bulk"
    assert row.order["seed"] == 7
    assert row.order["scene"]["slug"] == "packshot-white"
    assert row.order["scene"]["light"]["azimuth_deg"] is not None


def test_submitting_rings_the_dispatcher_after_the_commit(
    redis_server: Any, ateliers: Tenant
) -> None:
    with queue.connection() as client:
        with transaction.atomic():
            submit(ateliers)
            assert not client.exists(queue.WAKE_KEY)

        assert queue.wait_for_wake(client, 1.0)


def test_a_rolled_back_order_leaves_no_work(redis_server: Any, ateliers: Tenant) -> None:
    with transaction.atomic():
        submit(ateliers, 3)
        transaction.set_rollback(True)

    with across_tenants("test"):
        assert not WorkItem.objects.exists()


def test_work_is_accepted_while_redis_is_away(ateliers: Tenant, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    (item,) = submit(ateliers)

    assert fresh(item).state == "queued"


@pytest.mark.parametrize(
    ("changes", "code", "word"),
    [
        ({"engine": "diffusion"}, "compute.lane_unknown", "diffusion"),
        ({"worker_class": "gpu"}, "compute.lane_unknown", "gpu"),
        ({"cost_units": 0.0}, "compute.order_invalid", "cost_units"),
        ({"cost_units": float("nan")}, "compute.order_invalid", "cost_units"),
        ({"urgency": "now"}, "compute.order_invalid", "urgency"),
        ({"outputs": []}, "compute.order_invalid", "outputs"),
        ({"outputs": [{"name": "a"}]}, "compute.order_invalid", "width_px"),
        (
            {"outputs": [{"name": "a", "width_px": 1, "height_px": 1}] * 2},
            "compute.order_invalid",
            "outputs",
        ),
        ({"scene": {"slug": "x"}}, "compute.order_invalid", "scene"),
    ],
)
def test_what_no_worker_could_do_is_refused_at_once(
    changes: dict[str, Any], code: str, word: str, ateliers: Tenant
) -> None:
    actor = system_actor(ateliers.pk, "test")

    with pytest.raises(InvalidError) as refusal:
        intake.submit(actor=actor, work=[new_work(), new_work(**changes)])

    assert refusal.value.code == code
    assert word in refusal.value.message
    with across_tenants("test"):
        assert not WorkItem.objects.exists()


def test_a_render_is_ordered_only_once(redis_server: Any, ateliers: Tenant) -> None:
    submit(ateliers, subject="rnd_same")

    with pytest.raises(IntegrityError):
        submit(ateliers, subject="rnd_same")


def test_the_number_of_queries_does_not_grow_with_the_order(
    redis_server: Any, ateliers: Tenant, django_assert_max_num_queries: Any
) -> None:
    # SQLite takes a thousand values in one statement, PostgreSQL many more; the tenant's first
    # order enters its counter besides.
    with django_assert_max_num_queries(16):
        submit(ateliers, 200)
