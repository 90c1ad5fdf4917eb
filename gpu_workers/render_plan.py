"""What ``python -m gpu_workers render`` is asked: inputs, what to make of them, where it goes.

Owns the checks before the first picture is opened, so that a run of hours does not end over a typo,
and the journal from which an interrupted run goes on. Standard library only.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from gpu_workers.engines.checkpoints import find
from gpu_workers.errors import ModelRefused, OrderInvalid
from gpu_workers.kind_options.table import KINDS
from gpu_workers.scene_spec import SceneSpec, builtin_scenes, scene_from_json

ENGINES: Final = ("auto", "classical")
_PAINTER: Final = "diffusion:"
_NETWORKS: Final = "rembg:"
JOURNAL_NAME: Final = ".packshot-render.jsonl"
_USUAL_SIZE: Final = (2000, 2000)
_SIDES_PX: Final = (16, 4000)
_SIZE: Final = re.compile(r"(\d{1,5})[xX×](\d{1,5})\Z")
_MOST_SEED: Final = 2**32 - 1


class PlanError(Exception):
    """The command asks for something that cannot be made; the message says what to write."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be made of every input."""

    kind: str
    scene: SceneSpec
    size: tuple[int, int] | None
    """Width and height; None keeps the input's, for cutouts."""
    seed: int
    segmenter: str = "auto"
    extras: dict[str, Path] = field(default_factory=dict)
    """Other pictures that every input is made with, by role."""
    texts: dict[str, str] = field(default_factory=dict)
    """Words that the pictures set, by name."""
    painter: str = ""
    """Who paints the backdrops: engine and version; empty where they are drawn."""

    @property
    def suffix(self) -> str:
        """Ending of the files that are written."""
        return ".png" if self.scene.mode == "none" or self.kind == "cutout" else ".jpg"

    def digest(self) -> str:
        """Return a key that changes with whatever changes the pictures."""
        stamps = {role: stamp_of(path) for role, path in self.extras.items()}
        text = json.dumps([asdict(self), stamps], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Task:
    """One input and its output."""

    source: Path
    target: Path

    def stamp(self) -> str:
        """Return what changes when the input is another picture."""
        return stamp_of(self.source)


def stamp_of(path: Path) -> str:
    """Return what changes when a file is written anew."""
    status = path.stat()
    return f"{status.st_size}-{status.st_mtime_ns}"


def wish_from(
    kind: str,
    *,
    scene: str | None,
    engine: str,
    size: str | None,
    seed: int,
    extras: Sequence[str] = (),
    texts: Sequence[str] = (),
) -> Wish:
    """Return what to make, from the words of the command line.

    Parameters
    ----------
    extras, texts
        ``ROLE=FILE`` and ``NAME=WORDS``.

    Raises
    ------
    PlanError
        If one of them cannot be used.
    """
    if kind not in KINDS:
        raise PlanError(f"There is no kind {kind!r}; write one of {', '.join(KINDS)}.")
    chosen = _scene(scene or KINDS[kind].usual_scene, kind)
    if engine.startswith(_PAINTER):
        chosen, engine = _painted_by(engine.removeprefix(_PAINTER), chosen), "auto"
    if engine not in ENGINES and not engine.startswith(_NETWORKS):
        raise PlanError(
            f"There is no engine {engine!r} in this installation; write {', '.join(ENGINES)}, "
            f"{_NETWORKS}MODEL or {_PAINTER}CHECKPOINT."
        )
    if not 0 <= seed <= _MOST_SEED:
        raise PlanError(f"--seed {seed}: write a whole number from 0 to {_MOST_SEED}.")
    wanted = _size(size) if size else None
    return Wish(
        kind=kind,
        scene=chosen,
        size=wanted if kind == "cutout" else wanted or _USUAL_SIZE,
        seed=seed,
        segmenter=engine,
        extras=_extras(kind, extras),
        texts=_named("--text", texts, KINDS[kind].texts, kind),
    )


def _painted_by(name: str, scene: SceneSpec) -> SceneSpec:
    """Return the scene, painted by a checkpoint that was named: never drawn instead."""
    if scene.kind != "lifestyle":
        raise PlanError(f"--engine {_PAINTER}{name} paints lifestyle pictures only.")
    try:
        checkpoint = find(name)
    except ModelRefused as error:
        raise PlanError(f"--engine {_PAINTER}{name}: {error.detail}.") from error
    return replace(
        scene, options=replace(scene.options, checkpoint=checkpoint.name, on_missing="fail")
    )


def tasks_for(
    inputs: Sequence[Path], out: Path, wish: Wish, *, suffixes: frozenset[str]
) -> list[Task]:
    """Return what is to be done, folders searched through in the order of their names.

    Parameters
    ----------
    out
        Folder of the outputs; what lies in it is no input. Files of a searched folder keep their
        place below it.
    suffixes
        Endings, in lower case, that make a file of a folder an input. A file that is named is one
        in any case.

    Raises
    ------
    PlanError
        If there is nothing to do, or two inputs would be written to one file or over themselves.
    """
    tasks: list[Task] = []
    for given in inputs:
        if given.is_dir():
            found = sorted(_pictures(given, out, suffixes))
            tasks += [
                Task(path, out / path.relative_to(given).with_suffix(wish.suffix)) for path in found
            ]
        else:
            tasks.append(Task(given, out / f"{given.stem}{wish.suffix}"))
    tasks = list(dict.fromkeys(tasks))
    if not tasks:
        raise PlanError(
            f"No pictures in {', '.join(map(str, inputs))}; looked for "
            f"{', '.join(sorted(suffixes))}."
        )
    _refuse_collisions(tasks)
    return tasks


class Journal:
    """What earlier runs have made in a folder, one JSON line each.

    A line counts while its input and its wish are the same and the file is still there.
    """

    def __init__(self, out: Path, wish: Wish) -> None:
        self._path = out / JOURNAL_NAME
        self._wish = wish.digest()
        self._made: dict[str, tuple[str, dict[str, Any]]] = {}
        for line in self._lines():
            if line.get("wish") == self._wish:
                self._made[line["target"]] = (line["stamp"], line["row"])

    def made(self, task: Task) -> dict[str, Any] | None:
        """Return the row of a picture that need not be made again."""
        stamp, row = self._made.get(str(task.target), ("", {}))
        try:
            is_same = task.target.is_file() and stamp == task.stamp()
        except OSError:
            return None
        return row if is_same else None

    def note(self, task: Task, row: dict[str, Any]) -> None:
        """Add what has just been made."""
        line = {
            "wish": self._wish,
            "target": str(task.target),
            "stamp": task.stamp(),
            "row": row,
        }
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def _lines(self) -> Iterator[dict[str, Any]]:
        try:
            text = self._path.read_text(encoding="utf-8")
        except OSError:
            return
        for words in text.splitlines():
            try:
                line = json.loads(words)
            except ValueError:
                # The last line of a run that was cut: its picture is made again.
                continue
            if isinstance(line, dict) and {"wish", "target", "stamp", "row"} <= line.keys():
                yield line


def _pictures(folder: Path, out: Path, suffixes: frozenset[str]) -> Iterator[Path]:
    inside = out.resolve()
    for path in folder.rglob("*"):
        is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if is_hidden or path.suffix.lower() not in suffixes or not path.is_file():
            continue
        if folder.resolve() == inside or inside not in path.resolve().parents:
            yield path


def _refuse_collisions(tasks: Sequence[Task]) -> None:
    by_target: dict[Path, Path] = {}
    for task in tasks:
        other = by_target.setdefault(task.target, task.source)
        if other != task.source:
            raise PlanError(
                f"{other} and {task.source} would both be written to {task.target}: rename one, "
                "or render them into different folders."
            )
        if task.target.resolve() == task.source.resolve():
            raise PlanError(f"{task.source} would be overwritten: choose another folder for --out.")


def _scene(words: str, kind: str) -> SceneSpec:
    known = builtin_scenes()
    path = Path(words)
    if words in known:
        scene = known[words]
    elif path.suffix == ".json":
        scene = _scene_of_file(path)
    else:
        raise PlanError(
            f"There is no scene {words!r}; write a .json file or one of {', '.join(known)}."
        )
    if kind != scene.kind and (KINDS[kind].options or KINDS[scene.kind].options):
        fitting = ", ".join(slug for slug, each in known.items() if each.kind == kind)
        raise PlanError(f"{words} is a scene for a {scene.kind}; for a {kind} write {fitting}.")
    if kind == "packshot" and scene.mode == "surface":
        plain = ", ".join(slug for slug, each in known.items() if each.mode in ("solid", "sweep"))
        raise PlanError(f"{words} is no plain backdrop; for a packshot write one of {plain}.")
    return scene


def _named(option: str, given: Sequence[str], known: Sequence[str], kind: str) -> dict[str, str]:
    """Return ``NAME=VALUE`` words by name, refusing what the kind does not know."""
    found: dict[str, str] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not value:
            raise PlanError(f"{option} {each}: write a name, = and what it is.")
        if name not in known:
            knows = f"write one of {', '.join(known)}" if known else f"a {kind} takes none"
            raise PlanError(f"{option} {each}: there is no {name!r} in a {kind}; {knows}.")
        found[name] = value
    return found


def _extras(kind: str, given: Sequence[str]) -> dict[str, Path]:
    needed = KINDS[kind].needed_roles
    found = {
        role: Path(path) for role, path in _named("--with", given, KINDS[kind].roles, kind).items()
    }
    for role in needed:
        if role not in found:
            raise PlanError(f"A {kind} needs one more picture: write --with {role}=FILE.")
    for role, path in found.items():
        if not path.is_file():
            raise PlanError(f"--with {role}={path}: there is no such file.")
    return found


def _scene_of_file(path: Path) -> SceneSpec:
    try:
        return scene_from_json(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise PlanError(f"The scene {path} cannot be read: {error.strerror}.") from error
    except (ValueError, OrderInvalid) as error:
        raise PlanError(f"The scene {path} cannot be used: {error}.") from error


def _size(words: str) -> tuple[int, int]:
    found = _SIZE.match(words)
    low, high = _SIDES_PX
    if found:
        width, height = int(found[1]), int(found[2])
        if low <= min(width, height) and max(width, height) <= high:
            return width, height
    raise PlanError(f"--size {words}: write WIDTHxHEIGHT in pixels, {low} to {high} each.")
