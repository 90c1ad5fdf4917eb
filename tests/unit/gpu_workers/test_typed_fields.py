"""Typed values from JSON: what is accepted, and what is said about what is not."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_workers.errors import OrderInvalid
from gpu_workers.kind_options.table import KINDS, read_options
from gpu_workers.scene_spec import builtin_scenes, scene_from_json
from gpu_workers.typed_fields import color, read_fields, within, words


@dataclass(frozen=True, slots=True)
class Print:
    """A print on something."""

    base: Literal["mug", "tee"]
    size: float = within(0.1, 1.0, default=0.5)
    copies: int = within(1, 9, default=1)
    ink: str = color("#112233")
    title: str = words("", longest=8)
    bend: float | None = None
    stripes: tuple[float, ...] = within(0, 1, default=(0.5,))
    glossy: bool = False
    notes: tuple[str, ...] = field(default=())


@given(
    size=st.floats(0.1, 1.0),
    copies=st.integers(1, 9),
    title=st.text(max_size=8),
    bend=st.none() | st.floats(allow_nan=False),
    stripes=st.lists(st.floats(0, 1)),
    glossy=st.booleans(),
)
def test_what_is_written_is_read_back(**values: Any) -> None:
    made = read_fields(Print, "print", {"base": "mug", **values})

    assert read_fields(Print, "print", asdict(made)) == made


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "print: base missing"),
        ([], "print: an object was expected"),
        ({"base": "jar"}, "print.base: 'jar' is none of mug, tee"),
        ({"base": "mug", "length": 1}, "unknown field length; known: base, size"),
        ({"base": "mug", "size": 2}, "print.size: 2 is not within 0.1 to 1.0"),
        ({"base": "mug", "size": float("nan")}, "print.size: nan is not within"),
        ({"base": "mug", "size": True}, "print.size: a number was expected"),
        ({"base": "mug", "copies": 1.5}, "print.copies: a whole number was expected"),
        ({"base": "mug", "ink": "red"}, "print.ink: lower-case #rrggbb expected"),
        ({"base": "mug", "title": "far too long"}, "print.title: at most 8 characters"),
        ({"base": "mug", "title": 3}, "print.title: a text was expected"),
        ({"base": "mug", "stripes": 0.5}, "print.stripes: a list was expected"),
        ({"base": "mug", "stripes": [0.5, 3]}, r"print.stripes\[1\]: 3 is not within 0 to 1"),
        ({"base": "mug", "glossy": 1}, "print.glossy: true or false was expected"),
    ],
)
def test_one_clear_error_names_the_field(values: Any, said: str) -> None:
    with pytest.raises(OrderInvalid, match=said):
        read_fields(Print, "print", values)


def test_every_scene_names_a_kind_and_survives_json() -> None:
    for scene in builtin_scenes().values():
        assert scene.kind in KINDS
        assert scene_from_json(scene.to_json()) == scene


def test_every_kind_has_a_usual_scene_of_its_own_and_options_with_defaults() -> None:
    scenes = builtin_scenes()
    for kind in KINDS.values():
        scene = scenes[kind.usual_scene]
        assert kind.options is None or scene.kind == kind.name
        assert set(kind.needed_roles) <= set(kind.roles)
        read_options(kind.name, None)


def test_a_kind_without_options_takes_none() -> None:
    with pytest.raises(OrderInvalid, match=r"scene.options: a packshot takes none"):
        read_options("packshot", {"base": "mug"})
    with pytest.raises(OrderInvalid, match=r"scene.kind: 'hologram' is none of cutout"):
        read_options("hologram", None)
