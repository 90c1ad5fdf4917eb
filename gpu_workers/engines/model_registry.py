"""Which trained networks lie on this machine, and which of them may be loaded.

Owns the way from a name to a file that is allowed and is the file it should be: pins, checksums,
what was hashed before, the operator's own networks, and the words for what is missing. Does not
fetch (`model_fetching`) nor load (`onnx_session`). Standard library only: the web reads it too.

A file is hashed in full before it is first loaded, and again after any change: beside it lies a
note of its size, times, inode and digest. The change time of a file cannot be set from outside, so
a file that was swapped and given the old times is hashed again.

In the models folder::

    u2netp.onnx                 the weights
    u2netp.onnx.checked.json    what was hashed, written by us
    u2netp.onnx.pin.json        checksum of a first download, where the table knows none
    models.json                 the operator's: more pins, and networks of their own
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from gpu_workers.config import ModelSettings
from gpu_workers.engines.model_table import MODELS, RegisteredModel
from gpu_workers.engines.models_file import (
    OPERATORS_FILE,
    ModelsFileInvalid,
    is_digest,
    read_operators_file,
)
from gpu_workers.errors import ModelMissing, ModelRefused
from gpu_workers.memory import KILL_FACTOR

ModelState: TypeAlias = Literal[
    "ready", "missing", "unverified", "unpinned", "damaged", "not_allowed"
]

_CHUNK_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Pin:
    """The checksum that a file must have, and who says so."""

    sha256: str
    by: Literal["packshot", "operator", "first download"]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a model stands on this machine, without having read its file."""

    model: RegisteredModel
    state: ModelState
    path: Path
    pin: Pin | None
    size_bytes: int
    """Of the file that is there; else what the table says, and 0 if nobody knows."""
    words: str
    """What is the matter, in one sentence; empty if it is ready."""
    command: str
    """What the operator does about it: a command, or a setting; empty if it is ready."""


def known_models(settings: ModelSettings) -> tuple[RegisteredModel, ...]:
    """Return the table's models and then the operator's own.

    Raises
    ------
    ModelsFileInvalid
        If models.json cannot be used.
    """
    return MODELS + read_operators_file(settings.folder).own


def model_named(name: str, settings: ModelSettings) -> RegisteredModel:
    """Return a known model.

    Raises
    ------
    ModelRefused
        If there is none of that name.
    ModelMissing
        If models.json, which may name it, cannot be used.
    """
    try:
        models = known_models(settings)
    except ModelsFileInvalid as error:
        raise ModelMissing(str(error)) from error
    for model in models:
        if model.name == name:
            return model
    raise ModelRefused(
        f"there is no model {name!r}; known are {', '.join(model.name for model in models)}"
    )


def standing_of(model: RegisteredModel, settings: ModelSettings) -> Standing:
    """Return how a model stands, from names and notes alone; no weights are read."""
    path = settings.folder / (model.file_name or model.name)
    pin = _pin_of(model, settings.folder)
    state = _state_of(model, path, pin, settings)
    is_there = bool(model.file_name) and path.is_file()
    return Standing(
        model=model,
        state=state,
        path=path,
        pin=pin,
        size_bytes=path.stat().st_size if is_there else model.size_bytes,
        words=_words(model, state),
        command=_command(model, state),
    )


def is_allowed(model: RegisteredModel, settings: ModelSettings) -> bool:
    """Return whether the operator's settings let a model be used.

    A licence in doubt, a licence that forbids it and a service that photos are sent to each need
    the model's name in ``PACKSHOT_ALLOW_MODELS``. For what the operator brought, the operator
    answers.
    """
    if model.is_own or model.name in settings.allowed:
        return True
    return model.commercial == "yes" and not model.is_service


def verify(model: RegisteredModel, settings: ModelSettings) -> Standing:
    """Read a model's file in full, note what was found, and return how it stands now."""
    path = settings.folder / model.file_name
    if model.file_name and path.is_file():
        note_checked(path, digest_of(path))
    return standing_of(model, settings)


def ready_file(model: RegisteredModel, settings: ModelSettings) -> tuple[Path, str]:
    """Return the file of a model and its SHA-256, hashed if it was not since its last change.

    Raises
    ------
    ModelRefused
        If it is not allowed.
    ModelMissing
        If it is missing, without a checksum to hold it against, or another file than it should be;
        or if it needs more memory than an engine may use. The message names the cure.
    """
    require_allowed(model, settings)
    standing = standing_of(model, settings)
    if standing.state == "unverified":
        standing = _hashed(standing, settings)
    if standing.state != "ready" or standing.pin is None:
        raise ModelMissing(f"{standing.words}: {standing.command}")
    most = KILL_FACTOR * settings.memory_bytes
    if settings.device == "cpu" and model.memory_bytes > most:
        raise ModelMissing(
            f"{model.name} takes about {model.memory_bytes / 1e9:.1f} GB on a CPU and an engine "
            f"may use {most / 1e9:.1f}: set PACKSHOT_ENGINE_MEMORY_BYTES="
            f"{-(-model.memory_bytes // KILL_FACTOR)} or more"
        )
    return standing.path, standing.pin.sha256


def require_allowed(model: RegisteredModel, settings: ModelSettings) -> None:
    """Refuse a model that the operator has not allowed.

    Raises
    ------
    ModelRefused
        With the setting that allows it.
    """
    if not is_allowed(model, settings):
        raise ModelRefused(f"{_words(model, 'not_allowed')}: {_command(model, 'not_allowed')}")


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, read piece by piece."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_CHUNK_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def found_digest(path: Path) -> str:
    """Return the SHA-256 a file was found to have; empty if it was not hashed since it changed."""
    if not path.is_file():
        return ""
    noted = _read_json(_beside(path, "checked"))
    stamp = _stamp(path)
    is_same = {name: noted.get(name) for name in stamp} == stamp
    return str(noted.get("sha256", "")) if is_same else ""


def note_checked(path: Path, sha256: str) -> None:
    """Note beside a file what it holds; a folder that cannot be written is hashed again instead."""
    try:
        _write_json(_beside(path, "checked"), {**_stamp(path), "sha256": sha256})
    except OSError:
        return


def note_first_download(path: Path, sha256: str, source: str) -> None:
    """Pin a file whose checksum nobody publishes to what was downloaded first."""
    _write_json(_beside(path, "pin"), {"sha256": sha256, "source": source})


def _pin_of(model: RegisteredModel, folder: Path) -> Pin | None:
    try:
        by_operator = read_operators_file(folder).pins.get(model.name)
    except ModelsFileInvalid:
        # Whoever lists models says so; a pin that cannot be read may not be ignored either.
        return None
    if by_operator:
        return Pin(by_operator, "operator")
    if model.sha256:
        return Pin(model.sha256, "operator" if model.is_own else "packshot")
    recorded = _read_json(_beside(folder / model.file_name, "pin")).get("sha256")
    if is_digest(recorded):
        return Pin(recorded, "first download")
    return None


def _state_of(
    model: RegisteredModel, path: Path, pin: Pin | None, settings: ModelSettings
) -> ModelState:
    if not is_allowed(model, settings):
        return "not_allowed"
    if model.is_service:
        return "ready"
    if not path.is_file():
        return "missing"
    if pin is None:
        return "unpinned"
    found = found_digest(path)
    if not found:
        return "unverified"
    return "ready" if found == pin.sha256 else "damaged"


def _hashed(standing: Standing, settings: ModelSettings) -> Standing:
    """Return the standing after hashing, also where the note of it cannot be kept."""
    sha256 = digest_of(standing.path)
    note_checked(standing.path, sha256)
    is_right = standing.pin is not None and sha256 == standing.pin.sha256
    state: ModelState = "ready" if is_right else "damaged"
    return Standing(
        model=standing.model,
        state=state,
        path=standing.path,
        pin=standing.pin,
        size_bytes=standing.size_bytes,
        words=_words(standing.model, state),
        command=_command(standing.model, state),
    )


def _words(model: RegisteredModel, state: ModelState) -> str:
    if state == "not_allowed" and model.is_service:
        return f"the service {model.name} sends photos to another company and is not allowed here"
    if state == "not_allowed":
        doubt = "forbids commercial use" if model.commercial == "no" else "leaves doubts"
        return f"the licence of {model.name} ({model.licence}) {doubt} and it is not allowed here"
    return {
        "ready": "",
        "missing": f"the file {model.file_name} is not in the models folder",
        "unverified": f"the file {model.file_name} has not been checked since it last changed",
        "unpinned": f"no checksum is known to hold the file {model.file_name} against",
        "damaged": f"the file {model.file_name} is not the file that its checksum names",
    }[state]


def _command(model: RegisteredModel, state: ModelState) -> str:
    if state == "missing" and not model.source:
        return f"put {model.file_name} into the models folder"
    if state == "damaged" and not model.source:
        return f"correct its sha256 in {OPERATORS_FILE}, or put the right file there"
    return {
        "ready": "",
        "missing": f"manage.py models fetch {model.name}",
        "unverified": f"manage.py models verify {model.name}",
        "unpinned": f"pin it in {OPERATORS_FILE}, or manage.py models fetch {model.name}",
        "damaged": f"manage.py models fetch {model.name}",
        "not_allowed": f"PACKSHOT_ALLOW_MODELS={model.name}",
    }[state]


def _beside(path: Path, what: str) -> Path:
    return path.with_name(f"{path.name}.{what}.json")


def _stamp(path: Path) -> dict[str, int]:
    status = path.stat()
    return {
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "ctime_ns": status.st_ctime_ns,
        "inode": status.st_ino,
    }


def _read_json(path: Path) -> dict[str, Any]:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return body if isinstance(body, dict) else {}


def _write_json(path: Path, body: Mapping[str, Any]) -> None:
    """Write a file whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(body, file)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
