"""The rendering side of the pipe, without a process around it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpu_workers.engine_child import EngineChild
from gpu_workers.engine_pipe import Answer, answer_from_bytes
from gpu_workers.errors import DeviceError
from gpu_workers.protocol import MANIFEST_NAME, RenderOrder, result_from_json
from gpu_workers.storage import FileStorage
from tests.fakes import renderers
from tests.fakes.orders import batch, order


@pytest.fixture
def said() -> list[Answer]:
    return []


@pytest.fixture
def store(tmp_path: Path) -> FileStorage:
    return FileStorage(tmp_path)


@pytest.fixture
def child(said: list[Answer], store: FileStorage) -> EngineChild:
    return EngineChild(renderer=renderers.render, storage=store, answer=said.append)


def manifest_key(one: RenderOrder) -> str:
    return f"{one.result_prefix}{MANIFEST_NAME}"


def test_the_manifest_is_in_storage_before_success_is_said(store: FileStorage) -> None:
    shoe = order("a")
    at_success: list[bool] = []

    def answer(one: Answer) -> None:
        if one.say == "succeeded":
            at_success.append(store.exists(manifest_key(shoe)))

    EngineChild(renderer=renderers.render, storage=store, answer=answer).render_batch(
        batch(shoe).to_json()
    )

    assert at_success == [True]
    assert result_from_json(store.read(manifest_key(shoe))) == renderers.result_of(shoe)


def test_orders_are_answered_in_turn_by_their_place(child: EngineChild, said: list[Answer]) -> None:
    child.render_batch(batch(order("a"), order("b", does="unusable"), order("c")).to_json())

    assert [(one.say, one.place) for one in said] == [
        ("started", 0),
        ("succeeded", 0),
        ("started", 1),
        ("failed", 1),
        ("started", 2),
        ("succeeded", 2),
        ("done", -1),
    ]
    failure = {"code": "order.source_unusable", "detail": "no product stands out"}
    assert said[3].body == {**failure, "retryable": False}


def test_a_failed_order_leaves_no_manifest(child: EngineChild, store: FileStorage) -> None:
    child.render_batch(batch(order("a", does="raise")).to_json())

    assert not store.exists(manifest_key(order("a")))


def test_an_unfit_device_ends_the_batch(child: EngineChild, said: list[Answer]) -> None:
    with pytest.raises(DeviceError):
        child.render_batch(batch(order("a", does="device"), order("b")).to_json())

    assert [one.say for one in said] == ["started", "failed"]


@pytest.mark.parametrize("content", [b"", b"{}", b'{"files": 1}'])
def test_a_broken_manifest_is_rendered_over(
    content: bytes, child: EngineChild, store: FileStorage, said: list[Answer]
) -> None:
    store.write(manifest_key(order("a")), content)

    child.render_batch(batch(order("a")).to_json())

    assert result_from_json(store.read(manifest_key(order("a")))).work_item == "a"
    assert [one.say for one in said] == ["started", "succeeded", "done"]


def test_a_long_detail_is_cut(said: list[Answer], store: FileStorage) -> None:
    def render(*_: object, **__: object) -> None:
        raise ValueError("x" * 100_000)

    EngineChild(renderer=render, storage=store, answer=said.append).render_batch(
        batch(order("a")).to_json()
    )

    assert len(said[1].body["detail"]) == 1000


def test_answers_survive_the_pipe() -> None:
    answer = Answer("progress", 3, {"step": 1, "steps": 4, "label": "Schärfe", "share": 0.25})

    assert answer_from_bytes(answer.to_bytes()) == answer
