"""Reading one Redis stream as one consumer of a group, through restarts and emptied stores.

Owns group, consumer and acknowledgment; knows nothing of what the entries say. Entries come at
least once: what was read and not acknowledged is delivered again after `recover`.
"""

from __future__ import annotations

import time
from typing import Any, Final, TypeAlias, cast

import redis

Entry: TypeAlias = tuple[str, dict[str, str]]
"""Id and fields of a stream entry."""

_TRIM_SECONDS: Final = 5.0
_CLAIM_COUNT: Final = 500


class StreamReader:
    """One consumer of a group. Not for two threads at once.

    Parameters
    ----------
    client
        A client with text answers and a socket timeout above the longest `read`.
    consumer
        Unique to this process: what another one left unacknowledged is taken over by `recover`.
    """

    def __init__(self, client: redis.Redis, *, stream: str, group: str, consumer: str) -> None:
        self._client = client
        self._stream = stream
        self._group = group
        self._consumer = consumer
        self._trimmed_at = time.monotonic()

    def recover(self) -> list[Entry]:
        """Make sure that the group exists, and take over everything read but not acknowledged.

        Call it only as the one reader that is meant to run: entries are taken from all other
        consumers at once, and those are forgotten.
        """
        try:
            # From 0: after an emptied Redis the workers may have reported before the group is back.
            self._client.xgroup_create(self._stream, self._group, id="0", mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        entries: list[Entry] = []
        cursor = "0-0"
        while True:
            answer = self._client.xautoclaim(
                self._stream, self._group, self._consumer, 0, cursor, count=_CLAIM_COUNT
            )
            entries += [(entry, fields) for entry, fields in answer[1] if fields]
            cursor = answer[0]
            if cursor == "0-0":
                break
        self._forget_others()
        return entries

    def read(self, *, block_seconds: float, count: int = 64) -> list[Entry]:
        """Wait for new entries and return them, oldest first; none if the time is over.

        Raises
        ------
        redis.exceptions.ResponseError
            ``NOGROUP`` if Redis was emptied: call `recover`.
        """
        answer = cast(
            "list[Any] | dict[str, Any] | None",
            self._client.xreadgroup(
                self._group,
                self._consumer,
                {self._stream: ">"},
                count=count,
                block=int(block_seconds * 1000),
            ),
        )
        if not answer:
            return []
        if isinstance(answer, dict):
            # redis-py answers with a dict of lists of pages where the protocol is RESP3.
            pages = answer[self._stream]
            return [(entry, fields) for page in pages for entry, fields in page]
        return [(entry, fields) for entry, fields in answer[0][1]]

    def acknowledge(self, entries: list[str]) -> None:
        """Say that these entries are dealt with, and now and then drop what everybody has read."""
        self._client.xack(self._stream, self._group, *entries)
        if time.monotonic() - self._trimmed_at > _TRIM_SECONDS:
            self._trimmed_at = time.monotonic()
            self._client.xtrim(self._stream, minid=entries[-1], approximate=True)

    def _forget_others(self) -> None:
        for consumer in self._client.xinfo_consumers(self._stream, self._group):
            if consumer["name"] != self._consumer and not consumer["pending"]:
                self._client.xgroup_delconsumer(self._stream, self._group, consumer["name"])
