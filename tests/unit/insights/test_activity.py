from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from apps.events.kinds import Kind
from apps.insights.activity import KINDS, Happening, fold

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def happening(kind: str, who: str = "Alice", minutes_ago: int = 0, **data: Any) -> Happening:
    return Happening(kind, who, "subject", data, NOON - timedelta(minutes=minutes_ago))


def texts(*happenings: Happening, lines: int = 10) -> list[str]:
    return [f"{line.who} {line.text}" for line in fold(happenings, lines=lines)]


def test_many_photos_in_a_row_are_one_line() -> None:
    assert texts(*[happening("photo.uploaded", minutes_ago=n) for n in range(24)]) == [
        "Alice added 24 photos"
    ]


def test_another_person_or_kind_begins_a_new_line() -> None:
    assert texts(
        happening("photo.uploaded"),
        happening("photo.uploaded", "Ben"),
        happening("shoot.ordered", "Ben", number=7),
        happening("photo.uploaded"),
    ) == [
        "Alice added a photo",
        "Ben added a photo",
        "Ben ordered shoot 7",
        "Alice added a photo",
    ]


def test_events_more_than_an_hour_apart_are_two_lines() -> None:
    assert len(texts(happening("photo.uploaded"), happening("photo.uploaded", minutes_ago=61))) == 2


def test_no_more_lines_than_asked_for() -> None:
    assert len(texts(*[happening("shoot.ordered", str(n)) for n in range(9)], lines=3)) == 3


def test_an_old_event_without_the_data_still_reads() -> None:
    assert texts(happening("shoot.ordered")) == ["Alice ordered shoot …"]


def test_braces_in_data_are_text() -> None:
    assert texts(happening("member.invited", member="{count}@x")) == ["Alice invited {count}@x"]


def test_every_told_kind_is_a_kind() -> None:
    assert set(KINDS) <= {kind.value for kind in Kind}
