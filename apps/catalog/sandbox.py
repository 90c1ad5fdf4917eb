"""Runs the decoder of one uploaded file in a disposable child and judges what comes back.

Owns the child's life: how many run at once, its empty environment, its wall-clock limit, and the
rule that whatever happens to it is a refusal of the file, never an error of ours. Does not decode
and does not import the decoders. The child's answer is checked like any other input from outside.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import structlog
from django.conf import settings

from apps.catalog.inspection import HEAD_BYTES, MIN_SIDE_PX, REFUSALS, FileFormat, detect_format
from apps.core.errors import UnavailableError

_log = structlog.get_logger(__name__)
_slots = threading.BoundedSemaphore(settings.DECODE_PARALLEL)

ROOT: Final = Path(__file__).resolve().parents[2]

# Isolated (-I) and without site hooks (-S): the child sees our code and the installed packages,
# and no environment variable or user folder can put anything else in their place.
_PROGRAM: Final = (
    "import sys; sys.path[:0] = sys.argv[2:];"
    "from apps.catalog.decoding import main; main(sys.argv[1])"
)


class DecodeRefused(Exception):
    """The file cannot be used; carries a code of `apps.catalog.inspection.REFUSALS`."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Decoded:
    """The clean copies of a photo, as files in the folder given to `decode`."""

    photo: Path
    preview: Path
    thumb: Path
    width_px: int
    height_px: int
    has_alpha: bool
    peak_bytes: int
    """Most memory the child held."""

    @property
    def photo_name(self) -> str:
        """Name of the photo in storage, with the extension of its format."""
        return "photo.png" if self.has_alpha else "photo.jpg"


def decode(source: Path, folder: Path) -> Decoded:
    """Decode a file into clean copies, in a child process that may fail in any way.

    Parameters
    ----------
    source
        The file as it came.
    folder
        An empty folder that receives the copies.

    Raises
    ------
    DecodeRefused
        If the file breaks a limit, cannot be read, or ends the child.
    UnavailableError
        If no child could be started within the wait: too many photos at once.
    """
    if not _slots.acquire(timeout=settings.DECODE_QUEUE_SECONDS):
        raise UnavailableError(
            "upload.busy",
            "Many photos are being read right now. Upload this one again in a minute.",
            retry_after_seconds=int(settings.DECODE_QUEUE_SECONDS),
        )
    try:
        exit_status = _run_child(source, folder)
    finally:
        _slots.release()
    return _judged(_answer(folder, exit_status), folder)


def _run_child(source: Path, folder: Path) -> int | None:
    """Return the child's exit status, None if it was killed at the wall limit."""
    with source.open("rb") as file:
        child = subprocess.Popen(  # noqa: S603 - our own program, no shell, no outside argument
            [sys.executable, "-I", "-S", "-B", "-c", _PROGRAM, _limits(), *_import_paths()],
            stdin=file,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=_environment(),
            close_fds=True,
            start_new_session=True,
        )
    try:
        return child.wait(timeout=settings.DECODE_WALL_SECONDS)
    except subprocess.TimeoutExpired:
        return None
    finally:
        child.kill()
        child.wait()


def _limits() -> str:
    return json.dumps(
        {
            "max_pixels": settings.UPLOAD_MAX_PIXELS,
            "max_side_px": settings.UPLOAD_MAX_SIDE_PX,
            "min_side_px": MIN_SIDE_PX,
            "memory_bytes": settings.DECODE_MEMORY_BYTES,
            "cpu_seconds": math.ceil(settings.DECODE_WALL_SECONDS),
        }
    )


@cache
def _import_paths() -> tuple[str, ...]:
    """Return the folders the child imports from: this project and where the decoders lie."""
    folders = [str(ROOT)]
    for package in ("PIL", "pi_heif"):
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise UnavailableError(
                "upload.decoder_missing", f"The package {package} is not installed on the server."
            )
        folders.append(str(Path(spec.origin).parents[1]))
    return tuple(dict.fromkeys(folders))


def _environment() -> dict[str, str]:
    # One arena and no growing threshold: glibc then returns freed pictures to the system at once.
    environment = {
        "LANG": "C.UTF-8",
        "MALLOC_ARENA_MAX": "1",
        "MALLOC_MMAP_THRESHOLD_": "131072",
    }
    if library_path := os.environ.get("LD_LIBRARY_PATH"):
        environment["LD_LIBRARY_PATH"] = library_path
    return environment


def _answer(folder: Path, exit_status: int | None) -> dict[str, Any]:
    """Return what the child answered; a child that died without one broke its limits."""
    detail = "killed at the wall limit" if exit_status is None else f"exit status {exit_status}"
    try:
        with (folder / "answer.json").open("rb") as file:
            answer = json.loads(file.read(4096))
    except (OSError, ValueError):
        answer = None
    if exit_status != 0 or not isinstance(answer, dict):
        return {"refusal": "upload.decoder_limit", "detail": detail}
    return answer


def _judged(answer: dict[str, Any], folder: Path) -> Decoded:
    """Return the copies if the answer and the files are what a sound child makes.

    Raises
    ------
    DecodeRefused
        If the child refused, or if its answer cannot be believed.
    """
    if refusal := answer.get("refusal"):
        code = refusal if refusal in REFUSALS else "upload.unreadable"
        _log.info("photo_refused", code=code, detail=str(answer.get("detail", ""))[:300])
        raise DecodeRefused(code, str(answer.get("detail", "")))
    try:
        decoded = Decoded(
            photo=folder / "photo",
            preview=folder / "preview",
            thumb=folder / "thumb",
            width_px=int(answer["width_px"]),
            height_px=int(answer["height_px"]),
            has_alpha=answer["has_alpha"] is True,
            peak_bytes=int(answer["peak_bytes"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DecodeRefused("upload.unreadable", "answer") from error
    expected = {
        decoded.photo: FileFormat.PNG if decoded.has_alpha else FileFormat.JPEG,
        decoded.preview: FileFormat.WEBP,
        decoded.thumb: FileFormat.WEBP,
    }
    sides_fit = min(decoded.width_px, decoded.height_px) > 0 and (
        decoded.width_px * decoded.height_px <= settings.UPLOAD_MAX_PIXELS
    )
    if not sides_fit or any(_format_of(path) is not kind for path, kind in expected.items()):
        raise DecodeRefused("upload.unreadable", "copies")
    _log.debug("photo_decoded", peak_bytes=decoded.peak_bytes, width_px=decoded.width_px)
    return decoded


def _format_of(path: Path) -> FileFormat | None:
    with path.open("rb") as file:
        return detect_format(file.read(HEAD_BYTES))
