"""Which checkpoints may be loaded, and what is said about those that may not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_workers.engines.checkpoints import (
    CHECKPOINTS,
    DEFAULT_CHECKPOINT,
    LORA_FILE,
    SIZES_1024,
    UNSUPPORTED,
    allowed_names,
    find,
    missing_files,
    nearest_size,
    require,
)
from gpu_workers.errors import ModelMissing, ModelRefused


def put(checkpoint_name: str, models_dir: Path) -> Path:
    checkpoint = find(checkpoint_name)
    folder = checkpoint.folder(models_dir)
    for part in checkpoint.parts:
        if part.into == LORA_FILE:
            continue
        (folder / part.into).mkdir(parents=True, exist_ok=True)
        (folder / part.into / "model.safetensors").write_bytes(b"x")
    if checkpoint.base:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / LORA_FILE).write_bytes(b"x")
    else:
        (folder / "model_index.json").write_text("{}")
    return folder


def test_the_commercially_usable_come_first_and_names_are_unique():
    names = [checkpoint.name for checkpoint in CHECKPOINTS]
    commercial = [checkpoint.commercial for checkpoint in CHECKPOINTS]

    assert len(set(names)) == len(names)
    assert commercial == sorted(commercial, key=["yes", "grey", "no"].index)
    assert find(DEFAULT_CHECKPOINT).commercial == "yes"
    assert not set(names) & set(UNSUPPORTED)


@pytest.mark.parametrize("checkpoint", CHECKPOINTS, ids=lambda each: each.name)
def test_every_checkpoint_states_its_terms_and_sane_defaults(checkpoint):
    assert checkpoint.licence
    assert checkpoint.note.endswith(".")
    assert checkpoint.source.startswith("hf:")
    assert 1 <= checkpoint.steps <= 60
    assert 0 <= checkpoint.guidance <= 15
    assert 0.3 <= checkpoint.strength <= 1
    # Of few steps none may be left out: int(steps * strength) are run.
    assert not checkpoint.few_steps or checkpoint.strength == 1
    assert checkpoint.min_memory_bytes > checkpoint.weight_bytes > 10**9
    for width, height in checkpoint.sizes:
        assert width % 32 == height % 32 == 0
        assert 0.9 * 1024**2 <= width * height <= 1024**2 + 32 * 1024
    assert all(".bin" not in pattern for part in checkpoint.parts for pattern in part.patterns)
    if checkpoint.base:
        assert find(checkpoint.base).architecture == checkpoint.architecture


def test_weights_that_are_there_can_be_loaded(tmp_path):
    folder = put("sdxl-ecomxl", tmp_path)

    assert require(find("sdxl-ecomxl"), tmp_path, frozenset()) == folder


def test_missing_weights_name_the_cure(tmp_path):
    with pytest.raises(ModelMissing, match="models fetch z-image-turbo"):
        require(find("z-image-turbo"), tmp_path, frozenset())
    with pytest.raises(ModelMissing, match="PACKSHOT_MODELS_DIR"):
        require(find("z-image-turbo"), None, frozenset())


def test_a_missing_controlnet_is_found_missing(tmp_path):
    folder = put("sdxl-ecomxl", tmp_path)
    (folder / "controlnet" / "model.safetensors").unlink()

    assert any("controlnet" in words for words in missing_files(find("sdxl-ecomxl"), tmp_path))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "pipeline.py", "x.ckpt", "deep/x.PT"])
def test_files_that_could_hold_code_are_refused(tmp_path, name):
    folder = put("sdxl-inpaint", tmp_path)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"x")

    with pytest.raises(ModelMissing, match="could hold code"):
        require(find("sdxl-inpaint"), tmp_path, frozenset())


def test_a_few_step_lora_needs_its_base(tmp_path):
    put("sdxl-inpaint-lightning", tmp_path)

    with pytest.raises(ModelMissing, match=r"sdxl-inpaint/model_index\.json"):
        require(find("sdxl-inpaint-lightning"), tmp_path, frozenset())

    put("sdxl-inpaint", tmp_path)
    assert require(find("sdxl-inpaint-lightning"), tmp_path, frozenset()).is_dir()


def test_non_commercial_weights_are_refused_until_the_operator_accepts_the_terms(tmp_path):
    put("flux2-klein-9b", tmp_path)

    with pytest.raises(ModelRefused, match="Non-Commercial"):
        require(find("flux2-klein-9b"), tmp_path, frozenset())

    allowed = allowed_names({"PACKSHOT_ALLOW_MODELS": " flux2-klein-9b , other,"})
    assert require(find("flux2-klein-9b"), tmp_path, allowed).is_dir()


def test_well_known_names_that_are_not_offered_say_why():
    with pytest.raises(ModelRefused, match="Research"):
        find("qwen-image-2.1")
    with pytest.raises(ModelRefused, match="known: sdxl-inpaint"):
        find("sdxl")


def test_the_list_needs_no_library():
    script = (
        "import sys; import gpu_workers.engines.checkpoints as c; "
        "assert c.CHECKPOINTS; "
        "heavy = {'torch', 'diffusers', 'numpy', 'cv2'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


@given(st.integers(16, 4000), st.integers(16, 4000))
def test_the_nearest_size_is_turned_as_the_canvas_is(width, height):
    chosen = nearest_size(SIZES_1024, (width, height))

    assert chosen in SIZES_1024
    if width / height > 1.2:
        assert chosen[0] > chosen[1]
    if height / width > 1.2:
        assert chosen[0] < chosen[1]
    assert nearest_size(SIZES_1024, (height, width)) == chosen[::-1]
