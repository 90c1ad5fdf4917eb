"""Fetching a diffusion checkpoint from the hub, once, when an operator asks for it.

Owns the transfer of its parts into one folder that gets its name only when it is whole and its
files are recorded (`checkpoint_manifest`). What the parts are is `checkpoints`'. The hub's client
resumes a file that broke off and checks its size; it comes with the engine packages. No token is
sent, and only the kinds of file that the checkpoint names are taken: never pickles, never code.
"""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path
from typing import Any, Final, Protocol

from gpu_workers.config import ModelSettings
from gpu_workers.engines.checkpoint_manifest import record
from gpu_workers.engines.checkpoints import (
    Checkpoint,
    Part,
    missing_files,
    refuse_unlicensed,
)
from gpu_workers.engines.model_fetching import FetchFailed
from gpu_workers.errors import ModelRefused

_HUB: Final = "hf:"


class Hub(Protocol):
    """What is used of the hub's client."""

    def snapshot_download(
        self, repo_id: str, *, local_dir: str, allow_patterns: list[str], token: bool
    ) -> str:
        """Put the files of a repository that match into a folder."""
        ...

    def hf_hub_download(self, repo_id: str, filename: str, *, local_dir: str, token: bool) -> str:
        """Put one file of a repository into a folder; return its path."""
        ...


def fetch_checkpoint(
    checkpoint: Checkpoint, settings: ModelSettings, *, hub: Hub | None = None
) -> Path:
    """Fetch all parts of a checkpoint; return its folder.

    Raises
    ------
    FetchFailed
        If it is not allowed, does not come, or is not whole afterwards.
    """
    try:
        refuse_unlicensed(checkpoint, settings.allowed)
    except ModelRefused as error:
        raise FetchFailed(str(error)) from error
    folder = checkpoint.folder(settings.folder)
    if folder.exists():
        raise FetchFailed(f"{folder} is there already; remove it to fetch {checkpoint.name} anew")
    partial = folder.with_name(f"{folder.name}.part")
    _make_room(partial, checkpoint)
    client = hub or _client()
    for part in checkpoint.parts:
        try:
            _take(client, part, partial)
        except Exception as error:
            reason = str(error).strip().splitlines()[:1] or [type(error).__name__]
            raise FetchFailed(
                f"{part.source} does not come ({reason[0][:300]}); the same command goes on from "
                f"there, or put its files into {folder / part.into} by hand"
            ) from error
    record(partial, by="first download")
    partial.rename(folder)
    lacks = missing_files(checkpoint, settings.folder)
    if lacks:
        raise FetchFailed(f"{checkpoint.name} came, and cannot be loaded yet: {'; '.join(lacks)}")
    return folder


def _take(client: Hub, part: Part, partial: Path) -> None:
    owner, name, *inner = part.source.removeprefix(_HUB).split("/")
    repository = f"{owner}/{name}"
    if not inner:
        client.snapshot_download(
            repository,
            local_dir=str(partial / part.into),
            allow_patterns=list(part.patterns),
            token=False,
        )
        return
    came = client.hf_hub_download(repository, "/".join(inner), local_dir=str(partial), token=False)
    Path(came).replace(partial / (part.into or inner[-1]))


def _make_room(partial: Path, checkpoint: Checkpoint) -> None:
    try:
        partial.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(partial).free
    except OSError as error:
        raise FetchFailed(
            f"{partial} cannot be made ({error.strerror}); name another folder in "
            "PACKSHOT_MODELS_DIR"
        ) from error
    if not checkpoint.base and free < checkpoint.weight_bytes:
        raise FetchFailed(
            f"{checkpoint.name} takes about {checkpoint.weight_bytes / 1e9:.0f} GB and "
            f"{partial.parent} has {free / 1e9:.0f} left"
        )


def _client() -> Any:
    try:
        return importlib.import_module("huggingface_hub")
    except ImportError as error:
        raise FetchFailed(
            "the hub's client is not installed here: run deploy/setup.sh engine"
        ) from error
