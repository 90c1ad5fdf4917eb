"""The recipe of the images, read line by line: nothing here can build them."""

from __future__ import annotations

import re
import shlex
from fnmatch import fnmatch

import pytest

from tests.unit.deploy.manifests import ROOT

RUNNABLE = ("app", "worker", "worker-gpu")
Instruction = tuple[str, str]


def _stages() -> dict[str, list[Instruction]]:
    text = (ROOT / "deploy" / "Dockerfile").read_text()
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ").splitlines()
    stages: dict[str, list[Instruction]] = {"": []}
    name = ""
    for line in joined:
        word, _, rest = line.partition(" ")
        if word == "FROM":
            name = rest.partition(" AS ")[2]
        stages.setdefault(name, []).append((word, rest.strip()))
    return stages


STAGES = _stages()
COPIED = [
    source
    for instructions in STAGES.values()
    for word, rest in instructions
    if word == "COPY" and not rest.startswith("--from")
    for source in rest.split()[:-1]
]


def _told(stage: str, word: str) -> list[str]:
    return [rest for each, rest in STAGES[stage] if each == word]


def test_only_known_instructions_stand_in_it() -> None:
    words = {word for instructions in STAGES.values() for word, _ in instructions}

    assert words <= {"ARG", "FROM", "ENV", "RUN", "WORKDIR", "COPY", "USER", "EXPOSE", "CMD"}


def test_every_stage_stands_on_one_before_it() -> None:
    seen = {"${PYTHON_IMAGE}"}
    for name in [each for each in STAGES if each]:
        source = _told(name, "FROM")[0].partition(" AS ")[0]
        assert source in seen
        seen.add(name)
        for copied in _told(name, "COPY"):
            if copied.startswith("--from="):
                assert copied.partition("=")[2].split()[0] in seen


def test_the_base_image_is_slim_and_of_the_version_that_is_tested() -> None:
    image = _told("", "ARG")[0].partition("=")[2]

    assert re.fullmatch(r"python:3\.11-slim-\w+", image)


@pytest.mark.parametrize("source", sorted(set(COPIED)))
def test_what_is_copied_exists_and_is_sent(source: str) -> None:
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    sent = [line[1:] for line in ignore if line.startswith("!")]

    assert (ROOT / source).exists()
    assert ignore[1] == "*"
    assert any(fnmatch(source, pattern) for pattern in sent)


def test_nothing_is_sent_that_is_not_copied() -> None:
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    for pattern in (line[1:] for line in ignore if line.startswith("!")):
        assert any(fnmatch(source, pattern) for source in COPIED), pattern


@pytest.mark.parametrize("stage", RUNNABLE)
def test_an_image_runs_as_nobody_in_particular(stage: str) -> None:
    assert _told(stage, "USER") == ["10001:10001"]
    assert STAGES[stage].index(("USER", "10001:10001")) > max(
        number for number, (word, _) in enumerate(STAGES[stage]) if word in ("RUN", "COPY")
    )


@pytest.mark.parametrize("stage", ["worker", "worker-gpu"])
def test_a_worker_brings_nothing_of_the_apps(stage: str) -> None:
    copied = [rest for rest in _told(stage, "COPY") if not rest.startswith("--from")]

    assert copied == ["gpu_workers gpu_workers"]


def test_packages_come_from_locks_and_locks_are_kept() -> None:
    installs = [
        rest for name in STAGES for rest in _told(name, "RUN") if re.search(r"pip3? install", rest)
    ]

    assert installs
    for line in installs:
        words = shlex.split(line)
        named = [words[number + 1] for number, word in enumerate(words) if word == "-r"]
        assert named
        assert all((ROOT / each.removeprefix("/build/")).exists() for each in named)
        after = words[words.index("install") + 1 :]
        assert [word for word in after if not word.startswith("-") and word not in named] == []


def test_no_secret_is_baked_in() -> None:
    for instructions in STAGES.values():
        for word, rest in instructions:
            if word in ("ENV", "ARG"):
                assert not re.search(r"(?i)secret|token|password|_url|key", rest)
    collecting = _told("app", "RUN")
    assert len(collecting) == 1
    assert "collectstatic" in collecting[0]
