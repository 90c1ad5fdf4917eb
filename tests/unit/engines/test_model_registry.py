"""From a model's name to a file that may be loaded."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from gpu_workers.config import ModelSettings, SettingInvalid, model_settings_from_environ
from gpu_workers.engines import model_registry
from gpu_workers.engines.model_registry import (
    is_allowed,
    known_models,
    model_named,
    ready_file,
    standing_of,
    verify,
)
from gpu_workers.engines.model_table import MODELS, RegisteredModel
from gpu_workers.engines.models_file import ModelsFileInvalid, read_operators_file
from gpu_workers.errors import ModelMissing, ModelRefused, OrderError

WEIGHTS = b"weights" * 1000
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()
OWN = {"file": "mine.onnx", "sha256": SHA256, "input_px": 320}


@pytest.fixture
def here(tmp_path: Path) -> ModelSettings:
    return ModelSettings(tmp_path, frozenset(), "classical", "cpu", 1, 4 * 10**9)


def net(**changes: object) -> RegisteredModel:
    values = {
        "name": "net", "title": "Net", "kind": "segmenter", "source": "https://w.example/net.onnx",
        "file_name": "net.onnx", "licence": "MIT", "commercial": "yes", "provenance": "",
        "loss": "", "sha256": SHA256,
    }  # fmt: skip
    return RegisteredModel(**{**values, **changes})  # type: ignore[arg-type]


def put(here: ModelSettings, data: bytes = WEIGHTS, name: str = "net.onnx") -> Path:
    path = here.folder / name
    path.write_bytes(data)
    return path


def operators_file(here: ModelSettings, body: object) -> None:
    (here.folder / "models.json").write_text(json.dumps(body))


def test_a_missing_model_says_how_to_get_it(here):
    with pytest.raises(ModelMissing, match=r"not in .*: manage.py models fetch net"):
        ready_file(net(), here)


def test_a_file_is_hashed_before_it_is_first_used(here):
    path = put(here)
    assert standing_of(net(), here).state == "unverified"

    assert ready_file(net(), here) == (path, SHA256)

    assert standing_of(net(), here).state == "ready"


def test_a_file_that_was_checked_is_not_read_again(here, monkeypatch):
    put(here)
    verify(net(), here)

    def unwanted(path):
        raise AssertionError(f"{path} was read again")

    monkeypatch.setattr(model_registry, "digest_of", unwanted)
    assert ready_file(net(), here)[1] == SHA256


def test_another_file_than_the_pin_names_is_refused(here):
    put(here, b"other weights")

    with pytest.raises(ModelMissing, match="not the file that its checksum names"):
        ready_file(net(), here)

    assert standing_of(net(), here).state == "damaged"


def test_a_file_swapped_after_its_check_is_noticed_though_it_was_given_the_old_times(here):
    path = put(here)
    verify(net(), here)
    before = path.stat()

    path.write_bytes(b"WEIGHTS" * 1000)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert path.stat().st_size == before.st_size
    with pytest.raises(ModelMissing, match="not the file"):
        ready_file(net(), here)


def test_a_folder_that_cannot_be_written_is_hashed_each_time(here, monkeypatch):
    put(here)

    def refuse(path, body):
        raise PermissionError(13, "read-only", str(path))

    monkeypatch.setattr(model_registry, "_write_json", refuse)

    assert ready_file(net(), here)[1] == SHA256
    assert standing_of(net(), here).state == "unverified"


def test_a_file_nobody_knows_a_checksum_of_is_not_loaded(here):
    put(here)

    with pytest.raises(ModelMissing, match=r"pin it in models\.json"):
        ready_file(net(sha256=""), here)


def test_the_operators_pin_counts_more_than_the_table(here):
    put(here, b"own conversion")
    operators_file(here, {"pins": {"net": hashlib.sha256(b"own conversion").hexdigest()}})

    ready_file(net(), here)

    assert standing_of(net(), here).pin.by == "operator"


@pytest.mark.parametrize("commercial", ["grey", "no"])
def test_a_doubtful_licence_needs_the_operators_word(here, commercial):
    put(here)
    model = net(commercial=commercial)
    with pytest.raises(ModelRefused, match="PACKSHOT_ALLOW_MODELS=net"):
        ready_file(model, here)

    allowing = replace(here, allowed=frozenset({"net"}))

    assert ready_file(model, allowing)[1] == SHA256


def test_of_the_table_only_clear_licences_are_allowed_and_no_service(here):
    allowed = {model.name for model in MODELS if is_allowed(model, here)}

    assert allowed == {"birefnet-general", "birefnet-general-lite"}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_the_table_is_whole(model):
    assert model.provenance
    assert model.loss
    assert model.source.startswith("https://")
    assert model.is_service or model.file_name == f"{model.name}.onnx"
    assert re.fullmatch(r"([0-9a-f]{64})?", model.sha256)


def test_names_and_checksums_of_the_table_differ():
    names = [model.name for model in MODELS]
    sums = [model.sha256 for model in MODELS if model.sha256]

    assert len(set(names)) == len(names)
    assert len(set(sums)) == len(sums)


def test_a_model_larger_than_an_engine_may_grow_is_refused_before_it_is_killed(here):
    put(here)
    model = net(memory_bytes=9 * 10**9)

    with pytest.raises(ModelMissing, match="PACKSHOT_ENGINE_MEMORY_BYTES=4500000000"):
        ready_file(model, here)

    assert ready_file(model, replace(here, memory_bytes=4_500_000_000))
    assert ready_file(model, replace(here, device="cuda"))


def test_the_operators_own_network_stands_beside_the_known_ones(here):
    put(here, name="mine.onnx")
    operators_file(here, {"custom": {"mine": {**OWN, "std": [1, 1, 1], "output": "logit"}}})

    model = model_named("custom:mine", here)

    assert ready_file(model, here)[1] == SHA256
    assert model.recipe.input_px == 320
    assert (model.recipe.std, model.recipe.output) == ((1, 1, 1), "logit")
    assert known_models(here)[-1] == model


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("[]", "pins"),
        ("{", "models.json"),
        ('{"pin": {}}', "pins"),
        ({"pins": {"net": "abc"}}, "net"),
        ({"custom": {"Mine!": OWN}}, "lower-case"),
        ({"custom": {"mine": {**OWN, "file": "../../etc/x.onnx"}}}, "file"),
        ({"custom": {"mine": {**OWN, "file": "weights.bin"}}}, "file"),
        ({"custom": {"mine": {**OWN, "input_px": 8}}}, "input_px"),
        ({"custom": {"mine": {**OWN, "input_px": "wide"}}}, "models.json"),
        ({"custom": {"mine": {**OWN, "mean": [1, 2]}}}, "mean"),
        ({"custom": {"mine": {**OWN, "std": [1, 0, 1]}}}, "std"),
        ({"custom": {"mine": {**OWN, "std": [1, float("nan"), 1]}}}, "std"),
        ({"custom": {"mine": {**OWN, "output": "maybe"}}}, "output"),
        ({"custom": {"mine": {**OWN, "sha256": ""}}}, "SHA-256"),
        ({"custom": {"mine": {**OWN, "size": 3}}}, "size"),
        ({"custom": {"mine": {"file": "mine.onnx", "input_px": 320}}}, "sha256"),
        ({"custom": ["mine"]}, "models.json"),
    ],
)
def test_a_wrong_models_file_names_what_is_wrong(here, body, names):
    text = body if isinstance(body, str) else json.dumps(body)
    (here.folder / "models.json").write_text(text)

    with pytest.raises(ModelsFileInvalid, match=re.escape(names)):
        read_operators_file(here.folder)
    with pytest.raises(OrderError, match=re.escape(names)):
        model_named("u2netp", here)


def test_an_unknown_name_is_answered_with_the_known_ones(here):
    with pytest.raises(ModelRefused, match="birefnet-general-lite"):
        model_named("resnet", here)


def test_settings_of_models_have_defaults_below_the_var_folder():
    found = model_settings_from_environ({"PACKSHOT_VAR_DIR": "/srv/var"})

    assert found.folder == Path("/srv/var/models")
    assert (found.segmenter, found.device, found.allowed) == ("classical", "cpu", frozenset())


def test_settings_of_models_are_read():
    found = model_settings_from_environ(
        {
            "PACKSHOT_MODELS_DIR": "/srv/weights",
            "PACKSHOT_ALLOW_MODELS": "u2netp, bria-rmbg,",
            "PACKSHOT_SEGMENTER": "rembg:u2netp",
            "PACKSHOT_ENGINE_DEVICE": "cuda",
        }
    )

    assert found.folder == Path("/srv/weights")
    assert found.allowed == {"u2netp", "bria-rmbg"}
    assert (found.segmenter, found.device) == ("rembg:u2netp", "cuda")


def test_an_unknown_device_is_named():
    with pytest.raises(SettingInvalid, match="PACKSHOT_ENGINE_DEVICE"):
        model_settings_from_environ({"PACKSHOT_ENGINE_DEVICE": "tpu"})
