"""The operator's models: the page and the command."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from apps.compute import wire
from apps.compute.queries.engine_models import engine_models_page
from tests.cast import Person

WEIGHTS = b"some weights"
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The models folder of this machine, empty."""
    models = tmp_path / "models"
    models.mkdir()
    monkeypatch.setenv("PACKSHOT_MODELS_DIR", str(models))
    for name in ("PACKSHOT_ALLOW_MODELS", "PACKSHOT_SEGMENTER"):
        monkeypatch.delenv(name, raising=False)
    return models


@pytest.fixture
def operator(alice: Person, client: Client) -> Client:
    alice.user.is_staff = True
    alice.user.save()
    client.force_login(alice.user)
    return client


def put(folder: Path, name: str) -> Path:
    """Put a file in a model's place and say that it is the right one."""
    path = folder / f"{name}.onnx"
    path.write_bytes(WEIGHTS)
    (folder / "models.json").write_text(json.dumps({"pins": {name: SHA256}}))
    return path


def say(*words: str) -> str:
    out = io.StringIO()
    call_command("models", *words, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_an_empty_folder_shows_what_each_model_would_give(operator: Client, folder: Path) -> None:
    page = operator.get("/fleet/models/").content.decode()

    for words in (
        "No model is ready",
        "BiRefNet lite",
        "non-commercial",
        "manage.py models fetch birefnet-general-lite",
        "PACKSHOT_ALLOW_MODELS=bria-rmbg",
        "SDXL",
        str(folder),
    ):
        assert words in page


@pytest.mark.django_db
def test_a_ready_model_is_told_from_one_that_was_never_read(
    operator: Client, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, "birefnet-general-lite")
    monkeypatch.setenv("PACKSHOT_SEGMENTER", "rembg:birefnet-general-lite")
    before = operator.get("/fleet/models/").content.decode()
    assert "Not verified" in before
    assert "manage.py models verify birefnet-general-lite" in before

    say("verify")

    after = operator.get("/fleet/models/").content.decode()
    assert "Not verified" not in after
    assert "No model is ready" not in after
    assert "rembg:birefnet-general-lite" in after


@pytest.mark.django_db
def test_a_wrong_models_file_is_shown_and_not_a_broken_page(operator: Client, folder: Path) -> None:
    (folder / "models.json").write_text('{"pins": {"u2netp": "short"}}')

    answer = operator.get("/fleet/models/")

    assert answer.status_code == 200
    assert "64 lower-case hexadecimal digits" in answer.content.decode()


@pytest.mark.parametrize(
    ("segmenter", "says"),
    [
        ("rembg:birefnet-general-lite", ""),
        ("rembg:birefnet-general", "manage.py models fetch birefnet-general"),
        ("rembg:u2netp", "PACKSHOT_ALLOW_MODELS=u2netp"),
        ("rembg:teapot", "no segmenter of that name"),
        ("classical", ""),
    ],
)
def test_a_default_that_cannot_work_is_told_on_top(folder: Path, segmenter: str, says: str) -> None:
    put(folder, "birefnet-general-lite")

    page = engine_models_page({"PACKSHOT_MODELS_DIR": str(folder), "PACKSHOT_SEGMENTER": segmenter})

    assert says in page.broken_default
    assert bool(says) == bool(page.broken_default)


def test_the_page_reads_no_weights(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(folder, "birefnet-general-lite")

    def unwanted(path: Path) -> str:
        raise AssertionError(f"{path} was read")

    monkeypatch.setattr("gpu_workers.engines.model_registry.digest_of", unwanted)
    page = engine_models_page({"PACKSHOT_MODELS_DIR": str(folder)})

    rows = {row.model.name: row for group in page.groups for row in group.rows}
    assert rows["birefnet-general-lite"].model.state == "unverified"


def test_the_list_names_state_terms_and_the_next_step(folder: Path) -> None:
    put(folder, "birefnet-general-lite")

    listed = say("list")

    assert "birefnet-general-lite  [not verified]" in listed
    assert "u2netp  [not allowed]" in listed
    assert "manage.py models fetch birefnet-general\n" in listed


def test_the_list_comes_as_json(folder: Path) -> None:
    rows = [json.loads(line) for line in say("list", "--json").splitlines()]

    assert {row["kind"] for row in rows} == {"segmenter", "garment", "backdrop"}
    assert {row["state"] for row in rows} == {"missing", "not_allowed"}


def test_verifying_a_wrong_file_fails_and_shows_what_it_is(folder: Path) -> None:
    path = put(folder, "birefnet-general-lite")
    path.write_bytes(b"other weights")
    out = io.StringIO()

    with pytest.raises(CommandError, match="1 of them"):
        call_command("models", "verify", "birefnet-general-lite", stdout=out)

    assert "WRONG FILE" in out.getvalue()
    assert hashlib.sha256(b"other weights").hexdigest() in out.getvalue()


@pytest.mark.django_db
def test_a_checkpoint_is_held_against_what_was_recorded_of_it(
    operator: Client, folder: Path
) -> None:
    place = folder / "diffusion" / "z-image-turbo"
    place.mkdir(parents=True)
    (place / "model_index.json").write_text("{}")
    (place / "model.safetensors").write_bytes(WEIGHTS)
    assert "z-image-turbo  [no checksum]" in say("list")
    assert "manage.py models pin z-image-turbo" in operator.get("/fleet/models/").content.decode()

    assert "2 files of z-image-turbo are recorded" in say("pin", "z-image-turbo")

    listed = say("list")
    assert "z-image-turbo  [ready]" in listed
    assert "checked  SHA-256 by operator" in listed
    assert "Checksum: operator" in operator.get("/fleet/models/").content.decode()
    assert "z-image-turbo  ready" in say("verify", "z-image-turbo")

    (place / "model.safetensors").write_bytes(b"other")

    assert "Wrong file" in operator.get("/fleet/models/").content.decode()
    with pytest.raises(CommandError, match="cannot be loaded"):
        say("verify", "z-image-turbo")


@pytest.mark.parametrize(
    ("name", "said"),
    [("u2netp", "models.json"), ("z-image-turbo", "is missing"), ("teapot", "no checkpoint")],
)
def test_only_a_checkpoint_that_is_there_can_be_pinned(folder: Path, name: str, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        say("pin", name)


def test_verifying_a_missing_model_fails(folder: Path) -> None:
    with pytest.raises(CommandError, match="cannot be loaded"):
        say("verify", "birefnet-general")


@pytest.mark.parametrize("word", ["verify", "fetch"])
def test_an_unknown_model_is_named(folder: Path, word: str) -> None:
    with pytest.raises(CommandError, match="no model 'teapot'"):
        say(word, "teapot")


def test_nothing_is_fetched_that_nobody_agreed_to(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())

    with pytest.raises(CommandError, match="--yes"):
        say("fetch", "birefnet-general-lite")


def test_a_model_whose_licence_forbids_it_is_not_fetched(folder: Path) -> None:
    with pytest.raises(CommandError, match="PACKSHOT_ALLOW_MODELS=bria-rmbg"):
        say("fetch", "bria-rmbg", "--yes")


def test_a_model_that_is_ready_is_not_fetched_again(folder: Path) -> None:
    put(folder, "birefnet-general-lite")
    say("verify")

    assert "is ready" in say("fetch", "birefnet-general-lite", "--yes")


def test_a_first_download_says_that_nothing_else_vouches_for_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def came(name, settings, progress):
        progress(5_000_000, 10_000_000)
        progress(10_000_000, 10_000_000)
        return wire.FetchedModel(folder / f"{name}.onnx", SHA256, True, False)

    monkeypatch.setattr(wire, "fetch_named", came)

    said = say("fetch", "birefnet-general", "--yes")

    assert "10 of 10 MB" in said
    assert SHA256 in said
    assert "nothing else vouches" in said
