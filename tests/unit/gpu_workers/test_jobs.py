"""Reading batches and telling what became of their orders."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gpu_workers.jobs import OrderDesk, read_batch
from gpu_workers.protocol import preview_key
from gpu_workers.supervisor import Failure
from tests.fakes.orders import LANE, batch, order
from tests.fakes.voices import FakeVoice


def test_a_batch_is_read_as_it_was_written() -> None:
    written = batch(order("a"), order("b"))

    assert read_batch(written.to_json(), lane=LANE) == (written, [])


def test_an_unreadable_order_is_refused_alone() -> None:
    body = json.loads(batch(order("a"), order("b"), order("c")).to_json())
    body["orders"][1]["scene"]["sparkle"] = 11

    read, refused = read_batch(json.dumps(body), lane=LANE)

    assert read == batch(order("a"), order("c"))
    [one] = refused
    assert (one["work_item"], one["attempt"], one["tenant"]) == ("b", 1, "ateliers")
    assert "unknown field sparkle" in one["detail"]


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"lane": "render-gpu-diffusion"}, "came to lane 'render-cpu-classical'"),
        ({"version": 99}, "protocol version 99"),
        ({"deadline_seconds": 0}, "is not above 0"),
        ({"deadline_seconds": float("nan")}, "is not above 0"),
        ({"deadline_seconds": "soon"}, "is not a number"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_every_order_of_an_unreadable_batch_is_refused(
    changes: dict[str, Any], detail: str
) -> None:
    body = json.loads(batch(order("a"), order("b")).to_json())

    read, refused = read_batch(json.dumps({**body, **changes}), lane=LANE)

    assert read is None
    assert [one["work_item"] for one in refused] == ["a", "b"]
    assert all(detail in one["detail"] for one in refused)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "7", '{"orders": 3}', '{"orders": [1, {"attempt": 1}]}']
)
def test_text_that_is_no_batch_names_no_orders(text: str) -> None:
    assert read_batch(text, lane=LANE) == (None, [])


def test_the_desk_holds_every_order_until_it_ends() -> None:
    voice = FakeVoice()
    desk = OrderDesk(voice)
    first, second = order("a"), order("b", attempt=2)
    desk.take((first, second))

    desk.started(first)
    assert desk.held() == [["a", 1], ["b", 2]]
    desk.succeeded(first, "t/a/manifest.json")
    assert desk.held() == [["b", 2]]
    desk.failed(second, Failure("engine.crashed", "gone", retryable=True))

    assert desk.held() == []
    about_b = {"work_item": "b", "attempt": 2, "tenant": "ateliers"}
    assert voice.said[-1] == (
        "order.failed",
        {**about_b, "code": "engine.crashed", "detail": "gone", "retryable": True},
    )


def test_held_back_progress_is_sent_when_due_and_before_the_end() -> None:
    voice, now = FakeVoice(), [0.0]
    desk = OrderDesk(voice, clock=lambda: now[0])
    shoe = order("a")
    desk.take((shoe,))
    desk.started(shoe)

    for step in (1, 2, 3):
        desk.progressed(shoe, step, 4, "cut out", step / 4)
    now[0] = 1.0
    desk.turn()
    desk.progressed(shoe, 4, 4, "write", 1.0)
    desk.succeeded(shoe, "key")

    steps = [body["step"] for kind, body in voice.said if kind == "order.progress"]
    assert steps == [1, 3, 4]
    assert voice.said[-1][0] == "order.succeeded"


def test_a_preview_is_put_up_at_once_and_numbered_in_the_progress() -> None:
    voice, now = FakeVoice(), [0.0]
    desk = OrderDesk(voice, clock=lambda: now[0])
    shoe = order("a", attempt=3)
    desk.take((shoe,))
    desk.started(shoe)

    for step, preview in enumerate(("", "Zmlyc3Q=", "", "c2Vjb25k"), start=1):
        now[0] += 0.2
        desk.progressed(shoe, step, 4, "painting", step / 4, preview=preview)
    desk.succeeded(shoe, "key")

    said = [
        (kind, body.get("preview", body.get("picture")))
        for kind, body in voice.said
        if kind in ("order.progress", "picture")
    ]
    assert said == [
        ("order.progress", 0),
        ("picture", b"first"),
        ("order.progress", 1),
        ("picture", b"second"),
        ("order.progress", 2),
    ]
    keys = {body["key"] for kind, body in voice.said if kind == "picture"}
    assert keys == {preview_key("a", 3)}


def test_an_order_retried_after_a_crash_starts_its_progress_anew() -> None:
    voice = FakeVoice()
    desk = OrderDesk(voice, clock=lambda: 0.0)
    shoe = order("a")
    desk.take((shoe,))

    for _ in range(2):
        desk.started(shoe)
        desk.progressed(shoe, 1, 4, "read", 0.25)

    assert [kind for kind, _ in voice.said].count("order.progress") == 2
