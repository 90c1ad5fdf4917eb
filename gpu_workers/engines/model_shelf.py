"""All that an operator can put on a machine, in one list: networks from ONNX files and checkpoints.

Owns the list and the choice of who fetches and who verifies. Reads names and notes only, unless
told to verify. Standard library only: the web and the command line stand on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from gpu_workers.config import ModelSettings
from gpu_workers.engines.checkpoint_fetching import fetch_checkpoint
from gpu_workers.engines.checkpoint_manifest import (
    FolderStanding,
    folder_standing,
    record,
    verify_folder,
)
from gpu_workers.engines.checkpoints import CHECKPOINTS, Checkpoint, missing_files
from gpu_workers.engines.model_fetching import FetchFailed, Progress, fetch
from gpu_workers.engines.model_registry import (
    ModelState,
    Standing,
    found_digest,
    known_models,
    standing_of,
    verify,
)
from gpu_workers.engines.model_table import Commercial

ShelfKind: TypeAlias = Literal["segmenter", "garment", "backdrop"]


@dataclass(frozen=True, slots=True)
class ShelfModel:
    """One model as it stands on this machine."""

    name: str
    title: str
    kind: ShelfKind
    state: ModelState
    words: str
    """What is the matter; empty if it is ready."""
    command: str
    """What the operator does about it; empty if it is ready."""
    licence: str
    commercial: Commercial
    note: str
    """Where it comes from and under which terms."""
    loss: str
    """What pictures lose where it is missing; empty where all of a kind give the same."""
    size_bytes: int
    """0 if unknown."""
    place: str
    """File or folder; empty for a service."""
    checked_against: str
    """Who says which checksum it must have; empty where nobody does."""
    is_service: bool
    found_sha256: str = ""
    """What a file was found to be when it was last hashed; empty if it was not since it changed."""


@dataclass(frozen=True, slots=True)
class FetchedModel:
    """What came."""

    place: Path
    sha256: str
    """Empty for a checkpoint of many files."""
    is_first_use: bool
    """Whether nothing but this first download says what the file must be."""
    md5_agreed: bool


def shelf(settings: ModelSettings) -> tuple[ShelfModel, ...]:
    """Return every model as it stands; no weights are read.

    Raises
    ------
    ModelsFileInvalid
        If the operator's models.json cannot be used.
    """
    networks = [_network(standing_of(model, settings)) for model in known_models(settings)]
    return (*networks, *(_checkpoint(each, settings) for each in CHECKPOINTS))


def verify_all(settings: ModelSettings, name: str = "") -> tuple[ShelfModel, ...]:
    """Hash the files of all models, or of one, and return how they stand now.

    Raises
    ------
    ModelsFileInvalid
        If the operator's models.json cannot be used.
    """
    for model in known_models(settings):
        if name in ("", model.name):
            verify(model, settings)
    for checkpoint in CHECKPOINTS:
        if name in ("", checkpoint.name) and not missing_files(checkpoint, settings.folder):
            verify_folder(checkpoint, settings.folder)
    return tuple(each for each in shelf(settings) if name in ("", each.name))


def pin_named(name: str, settings: ModelSettings) -> int:
    """Record the files of a checkpoint as they lie there; return how many they are.

    From now on they are held against this. For what the operator put there by hand or changed.

    Raises
    ------
    FetchFailed
        If there is no checkpoint of that name or its files are not there, cannot be read or cannot
        be written beside.
    """
    for checkpoint in CHECKPOINTS:
        if checkpoint.name == name:
            lacks = missing_files(checkpoint, settings.folder)
            if lacks:
                raise FetchFailed(f"{name} cannot be recorded: {lacks[0]}")
            folder = checkpoint.folder(settings.folder)
            try:
                return record(folder, by="operator")
            except OSError as error:
                raise FetchFailed(
                    f"the files of {folder} cannot be recorded ({error.strerror})"
                ) from error
    raise FetchFailed(f"there is no checkpoint {name!r}; other networks are pinned in models.json")


def fetch_named(name: str, settings: ModelSettings, progress: Progress) -> FetchedModel:
    """Fetch a model of the shelf.

    Raises
    ------
    FetchFailed
        If it does not come; the message says why and what to do.
    ModelsFileInvalid
        If the operator's models.json cannot be used.
    """
    for model in known_models(settings):
        if model.name == name:
            came = fetch(model, settings, progress=progress)
            return FetchedModel(came.path, came.sha256, came.is_first_use, came.md5_agreed)
    for checkpoint in CHECKPOINTS:
        if checkpoint.name == name:
            folder = fetch_checkpoint(checkpoint, settings)
            return FetchedModel(folder, "", is_first_use=False, md5_agreed=False)
    raise FetchFailed(f"there is no model {name!r}; manage.py models list shows them")


def _network(standing: Standing) -> ShelfModel:
    model = standing.model
    return ShelfModel(
        name=model.name,
        title=model.title,
        kind=model.kind,
        state=standing.state,
        words=standing.words,
        command=standing.command,
        licence=model.licence,
        commercial=model.commercial,
        note=model.provenance,
        loss=model.loss,
        size_bytes=standing.size_bytes,
        place="" if model.is_service else str(standing.path),
        checked_against=standing.pin.by if standing.pin is not None else "",
        is_service=model.is_service,
        found_sha256="" if model.is_service else found_digest(standing.path),
    )


def _checkpoint(checkpoint: Checkpoint, settings: ModelSettings) -> ShelfModel:
    lacks = missing_files(checkpoint, settings.folder)
    there = FolderStanding("ready") if lacks else folder_standing(checkpoint, settings.folder)
    state: ModelState = "missing" if lacks else there.state
    words = lacks[0] if lacks else there.words
    if not checkpoint.folder(settings.folder).is_dir():
        words = f"the folder diffusion/{checkpoint.name} is not in the models folder"
    command = f"manage.py models fetch {checkpoint.name}" if lacks else there.command
    if checkpoint.commercial != "yes" and checkpoint.name not in settings.allowed:
        state = "not_allowed"
        words = f"the licence of {checkpoint.name} ({checkpoint.licence}) is not accepted here"
        command = f"PACKSHOT_ALLOW_MODELS={checkpoint.name}"
    return ShelfModel(
        name=checkpoint.name,
        title=checkpoint.title,
        kind="backdrop",
        state=state,
        words=words,
        command=command,
        licence=checkpoint.licence,
        commercial=checkpoint.commercial,
        note=checkpoint.note,
        loss="",
        size_bytes=0 if checkpoint.base else checkpoint.weight_bytes,
        place=str(checkpoint.folder(settings.folder)),
        checked_against=there.recorded_by,
        is_service=False,
    )
