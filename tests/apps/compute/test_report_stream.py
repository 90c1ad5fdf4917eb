"""Reading the stream: nothing is lost, nothing piles up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from apps.core import queue, report_stream
from apps.core.report_stream import StreamReader

STREAM = "test:stream"


@pytest.fixture
def client(redis_server: Any) -> Iterator[redis.Redis]:
    with queue.connection() as one:
        yield one


def reader(client: redis.Redis, name: str = "one") -> StreamReader:
    return StreamReader(client, stream=STREAM, group="readers", consumer=name)


def add(client: redis.Redis, *values: int) -> None:
    for value in values:
        client.xadd(STREAM, {"n": str(value)})


def numbers(entries: list[report_stream.Entry]) -> list[int]:
    return [int(fields["n"]) for _, fields in entries]


def test_what_was_said_before_the_group_existed_is_heard(client: redis.Redis) -> None:
    add(client, 1, 2)
    one = reader(client)

    one.recover()

    assert numbers(one.read(block_seconds=0.05)) == [1, 2]


def test_what_was_not_acknowledged_is_taken_over_in_order(client: redis.Redis) -> None:
    dead = reader(client, "dead")
    dead.recover()
    add(client, *range(1200))
    first = dead.read(block_seconds=0.05, count=1200)
    dead.acknowledge([first[0][0]])

    heir = reader(client, "heir")

    assert numbers(heir.recover()) == list(range(1, 1200))


def test_the_dead_are_forgotten_once_nothing_of_theirs_is_left(client: redis.Redis) -> None:
    dead = reader(client, "dead")
    dead.recover()
    add(client, 1)
    dead.read(block_seconds=0.05)

    reader(client, "heir").recover()

    assert [one["name"] for one in client.xinfo_consumers(STREAM, "readers")] == ["heir"]


def test_an_emptied_redis_is_noticed_and_recovered_from(client: redis.Redis) -> None:
    one = reader(client)
    one.recover()
    client.flushall()
    add(client, 7)

    with pytest.raises(redis.ResponseError, match="NOGROUP"):
        one.read(block_seconds=0.05)
    one.recover()

    assert numbers(one.read(block_seconds=0.05)) == [7]


def test_what_was_read_by_all_is_dropped_now_and_then(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_stream, "_TRIM_SECONDS", -1.0)
    one = reader(client)
    one.recover()
    add(client, *range(500))
    entries = one.read(block_seconds=0.05, count=500)

    one.acknowledge([entry for entry, _ in entries])

    # Redis drops whole nodes of a hundred entries.
    assert client.xlen(STREAM) <= 100
