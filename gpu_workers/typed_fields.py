"""Reading typed values from JSON: one frozen dataclass, one clear error for each wrong field.

Owns the check of unknown fields, types, choices and ranges by the dataclass's own declaration.
A field is ``bool``, ``int``, ``float``, ``str``, a ``Literal`` of strings, a tuple of one of them
with any length, or one of them ``| None``; `within`, `color` and `words` add what a type cannot
say. Standard library only.
"""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from dataclasses import MISSING, field, fields
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from gpu_workers.errors import OrderInvalid

HEX: Final = re.compile(r"#[0-9a-f]{6}\Z")
_WORDS_LENGTH: Final = 400

T = TypeVar("T")


def within(low: float, high: float, *, default: Any = MISSING) -> Any:
    """Declare a number of a range, both ends included; for a tuple, of each of its numbers."""
    return field(default=default, metadata={"low": low, "high": high})


def color(default: Any = MISSING) -> Any:
    """Declare a color, ``#rrggbb`` in lower case."""
    return field(default=default, metadata={"hex": True})


def words(default: Any = MISSING, *, longest: int = _WORDS_LENGTH) -> Any:
    """Declare a text of at most so many characters."""
    return field(default=default, metadata={"longest": longest})


def read_fields(kind: type[T], where: str, values: object) -> T:
    """Build a dataclass from JSON values.

    Parameters
    ----------
    kind
        A dataclass whose fields are of the types this module knows.
    where
        What errors call it, for example ``scene.options``.

    Raises
    ------
    OrderInvalid
        If a field is unknown, missing, of the wrong type, no choice or out of range; the message
        names it and what was expected.
    """
    if not isinstance(values, Mapping):
        raise OrderInvalid(f"{where}: an object was expected")
    declared = {each.name: each for each in fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(str(name) for name in values.keys() - declared.keys())
    if unknown:
        raise OrderInvalid(
            f"{where}: unknown field {', '.join(unknown)}; known: {', '.join(declared)}"
        )
    missing = [
        name
        for name, each in declared.items()
        if each.default is MISSING and each.default_factory is MISSING and name not in values
    ]
    if missing:
        raise OrderInvalid(f"{where}: {', '.join(missing)} missing")
    hints = get_type_hints(kind)
    return kind(
        **{
            name: _checked(f"{where}.{name}", value, hints[name], declared[name].metadata)
            for name, value in values.items()
        }
    )


def _checked(where: str, value: object, hint: Any, rules: Mapping[str, Any]) -> Any:
    origin = get_origin(hint)
    # ``str | None`` has the one origin, ``Literal[…] | None`` the other.
    if origin in (types.UnionType, Union):
        options = [each for each in get_args(hint) if each is not type(None)]
        return None if value is None else _checked(where, value, options[0], rules)
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise OrderInvalid(f"{where}: a list was expected")
        inner = get_args(hint)[0]
        return tuple(
            _checked(f"{where}[{place}]", each, inner, rules) for place, each in enumerate(value)
        )
    if origin is Literal:
        if value not in get_args(hint):
            raise OrderInvalid(f"{where}: {value!r} is none of {', '.join(get_args(hint))}")
        return value
    return _plain(where, value, hint, rules)


def _plain(where: str, value: object, hint: Any, rules: Mapping[str, Any]) -> Any:
    if hint is bool:
        if not isinstance(value, bool):
            raise OrderInvalid(f"{where}: true or false was expected")
        return value
    if hint is str:
        return _text(where, value, rules)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or (hint is int and not isinstance(value, int)):
        kind = "a whole number" if hint is int else "a number"
        raise OrderInvalid(f"{where}: {kind} was expected")
    if "low" in rules and not rules["low"] <= value <= rules["high"]:
        raise OrderInvalid(f"{where}: {value} is not within {rules['low']} to {rules['high']}")
    return value


def _text(where: str, value: object, rules: Mapping[str, Any]) -> str:
    if not isinstance(value, str):
        raise OrderInvalid(f"{where}: a text was expected")
    if rules.get("hex") and not HEX.match(value):
        raise OrderInvalid(f"{where}: lower-case #rrggbb expected")
    longest = rules.get("longest", _WORDS_LENGTH)
    if len(value) > longest:
        raise OrderInvalid(f"{where}: at most {longest} characters expected")
    return value
