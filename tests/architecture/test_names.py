"""Rules of the house that grep can hold."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _files(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def _hits(pattern: str, files: list[Path]) -> list[str]:
    wanted = re.compile(pattern)
    return [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if wanted.search(line)
    ]


def test_no_unfinished_work_stands_on_main() -> None:
    code = [
        path for path in _files("*.py", "*.js", "*.css", "*.html", "*.sh") if path != Path(__file__)
    ]
    marks = "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X"])

    assert _hits(rf"\b({marks})\b", code) == []


def test_pages_hold_no_inline_script_style_or_handler() -> None:
    pages = [
        path
        for path in _files("templates/*.html", "templates/**/*.html")
        if "emails" not in str(path)
    ]

    assert _hits(r"<script(?![^>]*\bsrc=)[^>]*>\s*\S|<style\b|\sstyle=|\son[a-z]+=\"", pages) == []


def test_pages_name_no_address_of_ours_literally() -> None:
    pages = _files("templates/*.html", "templates/**/*.html")

    assert _hits(r"(href|action|hx-(get|post|delete))=\"/[a-z]", pages) == []


@pytest.mark.parametrize(
    "name", ["requirements.lock", "requirements-test.lock", "requirements-engine.lock"]
)
def test_a_lock_names_no_registry_and_keeps_the_security_floor(name: str) -> None:
    text = (ROOT / name).read_text()

    assert not re.search(r"https?://", text)
    floor = re.search(r"^pillow==(\d+)", text, re.MULTILINE)
    assert floor is None or int(floor[1]) >= 13


def test_every_package_of_the_product_is_pinned() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    names = [line for line in lines if line and not line.startswith((" ", "#"))]

    assert [line for line in names if "==" not in line] == []
