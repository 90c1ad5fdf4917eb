"""Checkpoints of many files, from a hub that is a folder of this test."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gpu_workers.config import ModelSettings
from gpu_workers.engines.checkpoint_fetching import fetch_checkpoint
from gpu_workers.engines.checkpoint_manifest import require_recorded
from gpu_workers.engines.checkpoints import find, missing_files
from gpu_workers.engines.model_fetching import FetchFailed


class FakeHub:
    """Writes the smallest files that a checkpoint needs, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, object]] = []
        self.fails_at = ""

    def snapshot_download(self, repo_id, *, local_dir, allow_patterns, token):
        self._say(repo_id, allow_patterns, token)
        folder = Path(local_dir)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model_index.json").write_text("{}")
        (folder / "unet").mkdir(exist_ok=True)
        (folder / "unet" / "weights.safetensors").write_bytes(b"w")
        return local_dir

    def hf_hub_download(self, repo_id, filename, *, local_dir, token):
        self._say(repo_id, filename, token)
        path = Path(local_dir) / filename
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"w")
        return str(path)

    def _say(self, repository, wanted, token):
        assert token is False
        if repository == self.fails_at:
            raise OSError("the hub does not answer\nmore lines")
        self.asked.append((repository, wanted))


@pytest.fixture
def here(tmp_path: Path) -> ModelSettings:
    return ModelSettings(tmp_path, frozenset(), "classical", "cpu", 1, 2**30)


def small(name: str):
    """A checkpoint that fits on any disk."""
    return replace(find(name), weight_bytes=10)


def test_all_parts_come_into_one_folder_that_can_be_loaded(here):
    hub = FakeHub()
    checkpoint = small("sdxl-ecomxl")

    folder = fetch_checkpoint(checkpoint, here, hub=hub)

    assert missing_files(checkpoint, here.folder) == ()
    require_recorded(checkpoint, here.folder)
    assert [name for name, _ in hub.asked] == [part.source[3:] for part in checkpoint.parts]
    assert (folder / "controlnet" / "unet" / "weights.safetensors").is_file()
    for _, patterns in hub.asked:
        assert not any(pattern.endswith((".bin", ".py", ".pt", "*")) for pattern in patterns)


def test_a_single_file_gets_the_name_it_is_loaded_by(here):
    hub = FakeHub()

    fetch_checkpoint(small("sdxl-inpaint"), here, hub=hub)
    folder = fetch_checkpoint(small("sdxl-inpaint-lightning"), here, hub=hub)

    assert (folder / "lora.safetensors").is_file()
    assert missing_files(find("sdxl-inpaint-lightning"), here.folder) == ()


def test_what_broke_off_has_no_name_yet_and_goes_on(here):
    hub = FakeHub()
    checkpoint = small("sdxl-ecomxl")
    hub.fails_at = checkpoint.parts[1].source.removeprefix("hf:")
    with pytest.raises(FetchFailed, match="does not answer"):
        fetch_checkpoint(checkpoint, here, hub=hub)
    assert not checkpoint.folder(here.folder).exists()

    hub.fails_at = ""

    assert fetch_checkpoint(checkpoint, here, hub=hub).is_dir()


def test_a_checkpoint_that_is_there_is_not_written_over(here):
    fetch_checkpoint(small("z-image-turbo"), here, hub=FakeHub())

    with pytest.raises(FetchFailed, match="there already"):
        fetch_checkpoint(small("z-image-turbo"), here, hub=FakeHub())


def test_a_licence_that_forbids_it_is_asked_for_first(here):
    hub = FakeHub()
    with pytest.raises(FetchFailed, match="PACKSHOT_ALLOW_MODELS"):
        fetch_checkpoint(small("flux2-klein-9b"), here, hub=hub)

    assert hub.asked == []


def test_a_disk_that_is_too_small_is_told_before_hours_of_transfer(here):
    hub = FakeHub()
    with pytest.raises(FetchFailed, match="GB"):
        fetch_checkpoint(replace(find("qwen-image"), weight_bytes=10**18), here, hub=hub)

    assert hub.asked == []
