"""Whether the files of a diffusion checkpoint are those that were recorded when it came.

Owns the manifest: the SHA-256 and size of every file of the folder, written when the checkpoint is
fetched or when the operator says that what lies there is right, and the holding of the folder
against it. Where the files come from is `checkpoint_fetching`'s; what was hashed before is noted as
for other networks (`model_registry`), so that gigabytes are read once and after a change only.
Standard library only: the web reads it too.

In the folder of a checkpoint::

    packshot-manifest.json                          what was recorded
    unet/diffusion_pytorch_model.safetensors        weights
    unet/diffusion_pytorch_model.safetensors.checked.json    what was hashed, written by us

Files in hidden folders are the hub client's own and are not loaded.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from gpu_workers.engines.checkpoints import Checkpoint
from gpu_workers.engines.model_registry import digest_of, found_digest, note_checked
from gpu_workers.engines.models_file import is_digest
from gpu_workers.errors import ModelRefused

MANIFEST_FILE: Final = "packshot-manifest.json"

RecordedBy: TypeAlias = Literal["first download", "operator"]
FolderState: TypeAlias = Literal["ready", "unpinned", "unverified", "damaged"]

_NOTE: Final = ".checked.json"
_SMALL_BYTES: Final = 1024**2
"""Up to this a file is hashed whenever it is looked at: configurations, never weights."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One file as it was recorded."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class FolderStanding:
    """How a checkpoint's folder stands against its manifest."""

    state: FolderState
    words: str = ""
    """What is the matter; empty if it is ready."""
    command: str = ""
    """What the operator does about it; empty if it is ready."""
    recorded_by: str = ""
    """Who says what the files must be; empty where nobody does."""


def record(folder: Path, *, by: RecordedBy) -> int:
    """Hash every file of a folder and write the manifest; return how many they are.

    Raises
    ------
    OSError
        If a file cannot be read or the manifest cannot be written.
    """
    files: dict[str, dict[str, str | int]] = {}
    for name in _names(folder):
        path = folder / name
        sha256 = digest_of(path)
        size = path.stat().st_size
        if size > _SMALL_BYTES:
            note_checked(path, sha256)
        files[name] = {"sha256": sha256, "size_bytes": size}
    half = folder / f".{MANIFEST_FILE}.part"
    half.write_text(json.dumps({"by": by, "files": files}, indent=1), encoding="utf-8")
    half.replace(folder / MANIFEST_FILE)
    return len(files)


def folder_standing(checkpoint: Checkpoint, models_dir: Path) -> FolderStanding:
    """Return how a folder stands, from names, notes and small files; no weights are read."""
    return _standing(checkpoint, models_dir, is_read=False)


def verify_folder(checkpoint: Checkpoint, models_dir: Path) -> FolderStanding:
    """Read every file that was not read since its last change; return how the folder stands."""
    return _standing(checkpoint, models_dir, is_read=True)


def require_recorded(checkpoint: Checkpoint, models_dir: Path) -> None:
    """Refuse to load a checkpoint whose files are not those that were recorded.

    Files that were hashed since their last change are not read again.

    Raises
    ------
    ModelRefused
        If a file is another one, has gone or was added, or if nothing was recorded. Nothing else
        is used in its place; the message names the cure.
    """
    standing = verify_folder(checkpoint, models_dir)
    if standing.state != "ready":
        raise ModelRefused(f"{standing.words}: {standing.command}")


def _standing(checkpoint: Checkpoint, models_dir: Path, *, is_read: bool) -> FolderStanding:
    folder = checkpoint.folder(models_dir)
    place = f"diffusion/{checkpoint.name}"
    manifest = _read(folder / MANIFEST_FILE)
    if manifest is None:
        return FolderStanding(
            "unpinned",
            f"no checksums are recorded for the files of {place}",
            f"manage.py models pin {checkpoint.name}",
        )
    by, files = manifest
    there = set(_names(folder))
    wrong = [f"{name} has gone from {place}" for name in sorted(files.keys() - there)]
    wrong += [f"{name} in {place} was not recorded" for name in sorted(there - files.keys())]
    unread = False
    for name in sorted(files.keys() & there):
        is_right = _is_recorded(folder / name, files[name], is_read=is_read)
        unread = unread or is_right is None
        if is_right is False:
            wrong.append(f"{name} in {place} is not the file that was recorded")
    if wrong:
        return FolderStanding(
            "damaged",
            wrong[0] + (f", and {len(wrong) - 1} more" if wrong[1:] else ""),
            f"remove {folder} and run manage.py models fetch {checkpoint.name}, or, if you changed "
            f"it yourself, manage.py models pin {checkpoint.name}",
            by,
        )
    if unread:
        return FolderStanding(
            "unverified",
            f"the files of {place} have not been checked since they last changed",
            f"manage.py models verify {checkpoint.name}",
            by,
        )
    return FolderStanding("ready", recorded_by=by)


def _is_recorded(path: Path, recorded: Recorded, *, is_read: bool) -> bool | None:
    """Return whether a file is the one that was recorded; None if it would have to be read."""
    size = path.stat().st_size
    if size != recorded.size_bytes:
        return False
    if size <= _SMALL_BYTES:
        return digest_of(path) == recorded.sha256
    found = found_digest(path)
    if not found and is_read:
        found = digest_of(path)
        note_checked(path, found)
    return found == recorded.sha256 if found else None


def _names(folder: Path) -> Iterator[str]:
    """Yield the paths, inside a folder, of the files that belong to the checkpoint."""
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        inner = Path(root).relative_to(folder)
        for name in sorted(files):
            if not name.startswith(".") and not name.endswith(_NOTE) and name != MANIFEST_FILE:
                yield (inner / name).as_posix()


def _read(path: Path) -> tuple[str, dict[str, Recorded]] | None:
    """Return who recorded what, or None if there is no manifest that can be used."""
    try:
        body: Any = json.loads(path.read_text(encoding="utf-8"))
        files = {
            name: Recorded(str(entry["sha256"]), int(entry["size_bytes"]))
            for name, entry in body["files"].items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    if not files or not all(is_digest(each.sha256) for each in files.values()):
        return None
    return str(body.get("by", "")), files
