"""New work goes to the class where it is cheapest, as measured."""

from __future__ import annotations

from typing import Any

import pytest

from apps.compute.models import Worker, WorkerLife, WorkItem
from apps.compute.queries import class_for, engine_for
from apps.compute.services.learning import Completion, learn
from apps.core import clock

pytestmark = pytest.mark.django_db


def measured(worker_class: str, seconds: float, *, minor: float, workers: int = 1) -> None:
    """Let a class have made many such renders, with workers at a price."""
    item = WorkItem(
        kind="scene", engine="diffusion", worker_class=worker_class, cost_units=4.0, takes=1
    )
    learn([Completion(item, seconds, clock.now())] * 60)
    for number in range(workers):
        name = f"{worker_class}-{number}"
        now = clock.now()
        Worker.objects.create(
            name=name, worker_class=worker_class, engine="diffusion", lane="", seen_at=now
        )
        WorkerLife.objects.create(
            worker=name,
            worker_class=worker_class,
            engine="diffusion",
            provider="static",
            price_minor_per_hour=minor,
            launched_at=now,
        )


def wanted() -> str:
    return class_for(engine="diffusion", kind="scene", units=4.0)


def test_an_engine_of_one_class_costs_no_query(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert class_for(engine="classical", kind="packshot", units=4.0) == "cpu"


def test_the_cheaper_class_gets_the_work() -> None:
    measured("gpu", 20.0, minor=100.0)
    measured("gpu-large", 15.0, minor=400.0)

    assert wanted() == "gpu"


def test_work_that_is_too_long_for_a_class_goes_to_the_larger() -> None:
    measured("gpu", 90.0, minor=100.0)
    measured("gpu-large", 40.0, minor=400.0)

    assert wanted() == "gpu-large"


def test_a_class_without_workers_gets_nothing_unless_it_may_launch_some(settings: Any) -> None:
    measured("gpu", 20.0, minor=100.0, workers=0)
    measured("gpu-large", 15.0, minor=400.0)
    assert wanted() == "gpu-large"

    settings.FLEET, settings.MAX_WORKERS = "kubernetes", {"gpu": 4}
    assert wanted() == "gpu"


def test_where_nobody_can_do_it_the_work_waits_in_the_smallest_class() -> None:
    assert wanted() == "gpu"


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(LookupError, match="crystal-ball"):
        class_for(engine="crystal-ball", kind="scene", units=1.0)


def test_what_is_painted_goes_to_a_network_only_where_one_serves(settings: Any) -> None:
    settings.FLEET, settings.MAX_WORKERS = "local", {"cpu": 2}
    before = engine_for("lifestyle")
    measured("gpu", 20.0, minor=100.0)

    assert before == "classical"
    assert engine_for("lifestyle") == "diffusion"
    assert engine_for("packshot") == "classical"


def test_what_is_painted_goes_to_a_network_that_can_be_launched(settings: Any) -> None:
    settings.FLEET, settings.MAX_WORKERS = "kubernetes", {"cpu": 2, "gpu": 1}

    assert engine_for("lifestyle") == "diffusion"
