"""The operator's ``models.json``: checksums to hold files against, and networks of their own.

Owns its form and its errors. Does not look at weights. Standard library only.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeGuard

from gpu_workers.config import SettingInvalid
from gpu_workers.engines.model_table import Recipe, RegisteredModel

OPERATORS_FILE: Final = "models.json"
OWN: Final = "custom:"
_DIGEST: Final = re.compile(r"[0-9a-f]{64}\Z")
_OWN_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}\Z")
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.onnx\Z")
_INPUT_PX: Final = (32, 4096)
_FIELDS: Final = frozenset(
    {"file", "sha256", "input_px", "mean", "std", "output", "licence", "note"}
)


class ModelsFileInvalid(SettingInvalid):
    """The operator's models.json cannot be used; the message names the entry."""


@dataclass(frozen=True, slots=True)
class OperatorsFile:
    """What models.json holds."""

    pins: Mapping[str, str]
    own: tuple[RegisteredModel, ...]


def is_digest(value: object) -> TypeGuard[str]:
    """Return whether a value is a SHA-256 in lower-case hexadecimal digits."""
    return isinstance(value, str) and _DIGEST.match(value) is not None


def read_operators_file(folder: Path) -> OperatorsFile:
    """Return what models.json holds; nothing if there is none.

    Raises
    ------
    ModelsFileInvalid
        If it cannot be read; the message names the entry and what belongs there.
    """
    path = folder / OPERATORS_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return OperatorsFile({}, ())
    except (OSError, UnicodeDecodeError) as error:
        raise ModelsFileInvalid(f"{path} cannot be read: {error}") from error
    try:
        body = json.loads(text)
        if not isinstance(body, dict) or body.keys() - {"pins", "custom"}:
            raise ModelsFileInvalid('an object with "pins" and "custom" is expected')
        pins = {str(name): _sha256(value, name) for name, value in body.get("pins", {}).items()}
        own = tuple(_own_model(name, entry) for name, entry in body.get("custom", {}).items())
    except ModelsFileInvalid as error:
        raise ModelsFileInvalid(f"{path}: {error}") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise ModelsFileInvalid(f"{path} is not what docs/models.md describes: {error}") from error
    return OperatorsFile(pins, own)


def _own_model(name: str, entry: Mapping[str, Any]) -> RegisteredModel:
    where = f'custom "{name}"'
    if not _OWN_NAME.match(name):
        raise ModelsFileInvalid(f"{where}: a name has lower-case letters, digits, - and _ only")
    rest = sorted(set(entry) - _FIELDS)
    if rest:
        raise ModelsFileInvalid(f"{where}: {rest[0]!r} is no field of it")
    try:
        file_name, side_px = str(entry["file"]), int(entry["input_px"])
        sha256 = _sha256(entry["sha256"], name)
    except KeyError as error:
        raise ModelsFileInvalid(f"{where}: {error.args[0]!r} is missing") from error
    if not _FILE_NAME.match(file_name):
        raise ModelsFileInvalid(f'{where}: "file" is the name of an .onnx file in this folder')
    return RegisteredModel(
        name=f"{OWN}{name}",
        title=name,
        kind="segmenter",
        source="",
        file_name=file_name,
        licence=str(entry.get("licence", "not stated")),
        commercial="yes",
        provenance=str(entry.get("note", "")) or "Brought by the operator, who answers for it.",
        loss="Whatever it was brought for.",
        sha256=sha256,
        recipe=_recipe(side_px, entry, where),
    )


def _recipe(side_px: int, entry: Mapping[str, Any], where: str) -> Recipe:
    if not _INPUT_PX[0] <= side_px <= _INPUT_PX[1]:
        raise ModelsFileInvalid(f'{where}: "input_px" is a side of 32 to 4096 pixels')
    output = entry.get("output", "probability")
    if output not in ("probability", "logit"):
        raise ModelsFileInvalid(f'{where}: "output" is probability or logit')
    mean = _three(entry.get("mean", (0.485, 0.456, 0.406)), where, "mean")
    std = _three(entry.get("std", (0.229, 0.224, 0.225)), where, "std")
    if min(std) <= 0:
        raise ModelsFileInvalid(f'{where}: "std" holds numbers above 0')
    return Recipe(input_px=side_px, mean=mean, std=std, output=output)


def _three(value: Any, where: str, name: str) -> tuple[float, float, float]:
    if not isinstance(value, list | tuple) or len(value) != 3:
        raise ModelsFileInvalid(f'{where}: "{name}" holds three numbers, for red, green and blue')
    red, green, blue = (float(number) for number in value)
    if not all(math.isfinite(number) for number in (red, green, blue)):
        raise ModelsFileInvalid(f'{where}: "{name}" holds finite numbers')
    return red, green, blue


def _sha256(value: Any, name: object) -> str:
    if not is_digest(value):
        raise ModelsFileInvalid(f'"{name}": a SHA-256 has 64 lower-case hexadecimal digits')
    return value
