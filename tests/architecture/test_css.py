"""The two rules of the style sheets: raw values live in tokens, classes belong to their file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

CSS = Path(__file__).resolve().parents[2] / "static" / "css"
COMPONENTS = sorted((CSS / "components").glob("*.css"))
STYLED = sorted(path for path in CSS.rglob("*.css") if path.name not in {"tokens.css", "app.css"})

_COMMENT = re.compile(r"/\*.*?\*/", re.S)
_CONDITION = re.compile(r"@(media|container|supports|import|layer)[^{;]*")
_RAW = re.compile(
    r"#[0-9a-fA-F]{3,8}\b|\b(?:rgb|hsl|oklch|lab|lch|hwb)a?\(|(?<![\w-])-?[\d.]+(?:px|rem|ms|s)\b"
)
_SELECTOR = re.compile(r"([^{};]+)\{")
_CLASS = re.compile(r"\.(-?[a-zA-Z_][\w-]*)")


def rules(path: Path) -> str:
    return _COMMENT.sub("", path.read_text())


def outer_selectors(text: str) -> Iterator[str]:
    """Selectors that stand in no other rule; conditions around them do not count."""
    depth = 0
    for before, brace in re.findall(r"([^{}]*)([{}])", text):
        head = before.rsplit(";", 1)[-1].strip()
        if brace == "}":
            depth = max(0, depth - 1)
        elif depth > 0 or head.startswith("@keyframes"):
            depth += 1
        elif not head.startswith("@"):
            yield head
            depth += 1


@pytest.mark.parametrize("path", STYLED, ids=lambda path: path.name)
def test_raw_values_stand_only_in_tokens(path: Path) -> None:
    found = _RAW.findall(_CONDITION.sub("", rules(path)))

    assert found == []


@pytest.mark.parametrize("path", COMPONENTS, ids=lambda path: path.name)
def test_classes_begin_with_the_name_of_their_file(path: Path) -> None:
    strangers = [
        part.strip()
        for selector in outer_selectors(rules(path))
        for part in selector.split(",")
        if not (_CLASS.findall(part) or [""])[0].startswith(path.stem)
    ]

    assert strangers == []


@pytest.mark.parametrize("path", STYLED, ids=lambda path: path.name)
def test_no_id_selectors_and_no_importance(path: Path) -> None:
    text = rules(path)

    assert "!important" not in text
    assert not [s for s in _SELECTOR.findall(text) if re.search(r"#[a-zA-Z]", s)]


def test_every_component_file_is_loaded() -> None:
    loaded = set(re.findall(r'url\("components/([\w-]+)\.css"\)', (CSS / "app.css").read_text()))

    assert loaded == {path.stem for path in COMPONENTS}


def test_every_token_in_use_is_defined() -> None:
    defined = set(re.findall(r"(--[\w-]+)\s*:", "".join(p.read_text() for p in CSS.rglob("*.css"))))
    used = {
        name
        for path in CSS.rglob("*.css")
        for name in re.findall(r"var\((--[\w-]+)\)", path.read_text())
    }

    assert used - defined == set()
