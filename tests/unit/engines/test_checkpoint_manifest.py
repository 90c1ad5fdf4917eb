"""A checkpoint's files against what was recorded of them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gpu_workers.engines import checkpoint_manifest
from gpu_workers.engines.checkpoint_manifest import (
    MANIFEST_FILE,
    folder_standing,
    record,
    require_recorded,
    verify_folder,
)
from gpu_workers.engines.checkpoints import find
from gpu_workers.errors import ModelRefused

CHECKPOINT = find("sdxl-inpaint")
WEIGHTS = "unet/diffusion_pytorch_model.safetensors"
LARGE = b"w" * (checkpoint_manifest._SMALL_BYTES + 1)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder of models with one recorded checkpoint."""
    folder = CHECKPOINT.folder(tmp_path)
    (folder / "unet").mkdir(parents=True)
    (folder / ".cache").mkdir()
    (folder / ".cache" / "note.json").write_text("the hub client's own")
    (folder / "model_index.json").write_text("{}")
    (folder / WEIGHTS).write_bytes(LARGE)
    assert record(folder, by="first download") == 2
    return tmp_path


def state(models: Path) -> str:
    return folder_standing(CHECKPOINT, models).state


def forget(models: Path) -> None:
    """Take away what was hashed, as on another machine."""
    for note in CHECKPOINT.folder(models).rglob("*.checked.json"):
        note.unlink()


def test_what_was_recorded_is_ready_and_read_no_more(models, monkeypatch):
    standing = folder_standing(CHECKPOINT, models)
    assert (standing.state, standing.recorded_by, standing.words) == ("ready", "first download", "")

    read = []
    real = checkpoint_manifest.digest_of
    monkeypatch.setattr(
        checkpoint_manifest, "digest_of", lambda path: read.append(path.name) or real(path)
    )
    require_recorded(CHECKPOINT, models)

    assert read == ["model_index.json"]


def test_weights_are_read_once_where_nobody_has_and_never_for_a_list(models):
    forget(models)

    assert state(models) == "unverified"
    assert "models verify sdxl-inpaint" in folder_standing(CHECKPOINT, models).command

    require_recorded(CHECKPOINT, models)

    assert state(models) == "ready"


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_read_each_time(models):
    forget(models)
    folder = CHECKPOINT.folder(models) / "unet"
    folder.chmod(0o500)
    try:
        require_recorded(CHECKPOINT, models)
        assert state(models) == "unverified"
    finally:
        folder.chmod(0o700)


def change(path: Path, data: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda at: change(at / WEIGHTS, LARGE + b"w"), "is not the file that was recorded"),
        (lambda at: change(at / WEIGHTS, b"v" * len(LARGE)), "is not the file that was recorded"),
        (lambda at: change(at / "model_index.json", b"[]"), "model_index.json in diffusion/"),
        (lambda at: (at / WEIGHTS).unlink(), "has gone from diffusion/sdxl-inpaint"),
        (lambda at: change(at / "unet/more.safetensors", b"x"), "was not recorded"),
        (lambda at: change(at / "vae/config.json", b"{}"), "vae/config.json in diffusion/"),
    ],
)
def test_a_file_that_is_not_as_recorded_keeps_the_checkpoint_from_being_loaded(models, spoil, said):
    folder = CHECKPOINT.folder(models)
    spoil(folder)

    with pytest.raises(ModelRefused, match="models fetch sdxl-inpaint") as caught:
        require_recorded(CHECKPOINT, models)

    assert said in caught.value.detail
    assert state(models) == "damaged"
    record(folder, by="operator")
    assert verify_folder(CHECKPOINT, models).recorded_by == "operator"
    require_recorded(CHECKPOINT, models)


@pytest.mark.parametrize(
    "manifest",
    [None, "", "[]", "{}", '{"files": {}}', '{"files": {"a": {"sha256": "x", "size_bytes": 1}}}'],
)
def test_without_a_manifest_nothing_is_loaded_and_the_cure_is_named(models, manifest):
    path = CHECKPOINT.folder(models) / MANIFEST_FILE
    path.unlink()
    if manifest is not None:
        path.write_text(manifest)

    with pytest.raises(ModelRefused, match="models pin sdxl-inpaint"):
        require_recorded(CHECKPOINT, models)


def test_swapped_weights_with_the_old_times_are_found(models):
    path = CHECKPOINT.folder(models) / WEIGHTS
    before = path.stat()
    path.write_bytes(b"v" * len(LARGE))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    with pytest.raises(ModelRefused):
        require_recorded(CHECKPOINT, models)


def test_a_manifest_names_every_file_with_its_checksum(models):
    body = json.loads((CHECKPOINT.folder(models) / MANIFEST_FILE).read_text())

    assert body["by"] == "first download"
    assert set(body["files"]) == {"model_index.json", WEIGHTS}
