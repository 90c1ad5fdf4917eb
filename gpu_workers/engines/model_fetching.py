"""Fetching the weights of a known model, once, when an operator asks for it.

Owns the transfer: HTTPS only, streamed, bounded in size, resumed where it broke off, and put in its
place by one rename after its checksum was right. Nothing here runs by itself: no worker and no page
fetches anything. Standard library only.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import urlsplit

from gpu_workers.config import ModelSettings
from gpu_workers.engines.model_registry import (
    Pin,
    note_checked,
    note_first_download,
    require_allowed,
    standing_of,
)
from gpu_workers.engines.model_table import RegisteredModel
from gpu_workers.errors import ModelRefused

MOST_BYTES: Final = 4 * 10**9
"""Largest file whose size is not known beforehand."""
_PIECE_BYTES: Final = 1024 * 1024
_SILENCE_SECONDS: Final = 60.0
_PARTIAL_CONTENT: Final = 206
_RANGE_NOT_SATISFIABLE: Final = 416
_RANGE_START: Final = re.compile(r"bytes (\d+)-")

OpenUrl = Callable[[urllib.request.Request], HTTPResponse]
Progress = Callable[[int, int], None]
"""Bytes that are there, and bytes of the whole file (0 if nobody knows)."""


class FetchFailed(Exception):
    """A model could not be fetched; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that lies in the models folder, whole and with the right checksum."""

    path: Path
    sha256: str
    size_bytes: int
    is_first_use: bool
    """Nobody publishes its SHA-256: from now on it is held against what came this time."""
    md5_agreed: bool
    """The MD5 in the installed rembg was the same; asked only at first use."""


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    def redirect_request(  # noqa: PLR0917 - the signature of the base
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str,
        headers: Message[str, str], newurl: str,
    ) -> urllib.request.Request | None:  # fmt: skip
        _refuse_unsafe(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def open_securely(request: urllib.request.Request) -> HTTPResponse:
    """Open an address over HTTPS, also where it sends on to another.

    Raises
    ------
    FetchFailed
        If it is no HTTPS address.
    urllib.error.URLError
        If the other side cannot be reached or says no.
    """
    _refuse_unsafe(request.full_url)
    opener = urllib.request.build_opener(_HttpsOnly)
    answer: HTTPResponse = opener.open(request, timeout=_SILENCE_SECONDS)
    return answer


def fetch(
    model: RegisteredModel,
    settings: ModelSettings,
    *,
    progress: Progress,
    open_url: OpenUrl = open_securely,
) -> Fetched:
    """Fetch the file of a model into the models folder, or go on where it broke off.

    Raises
    ------
    FetchFailed
        If it is not allowed or not offered, does not come, is too large, or is another file than
        its checksum names. What came so far is kept for the next try unless it was wrong.
    """
    path = _place(model, settings)
    pin = standing_of(model, settings).pin
    partial = path.with_name(f"{path.name}.part")
    with _alone(partial, model) as file:
        try:
            hashes = _receive(model, file, progress=progress, open_url=open_url)
            file.flush()
            os.fsync(file.fileno())
            size_bytes = file.tell()
        except (OSError, HTTPException) as error:
            file.flush()
            if not partial.stat().st_size:
                partial.unlink()
            raise FetchFailed(_unreachable(model, path, error)) from error
        try:
            md5_agreed = _hold_against(model, hashes, pin)
        except FetchFailed:
            partial.unlink()
            raise
        partial.replace(path)
    sha256 = hashes.sha256.hexdigest()
    if pin is None:
        note_first_download(path, sha256, model.source)
    note_checked(path, sha256)
    return Fetched(path, sha256, size_bytes, pin is None, md5_agreed)


@contextmanager
def _alone(partial: Path, model: RegisteredModel) -> Iterator[IO[bytes]]:
    """Open the partial file at its end; nobody else appends to it meanwhile."""
    with partial.open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise FetchFailed(f"{model.name} is being fetched by another command") from error
        yield file


class _Hashes:
    def __init__(self) -> None:
        self.sha256 = hashlib.sha256()
        self.md5 = hashlib.md5(usedforsecurity=False)

    def update(self, piece: bytes) -> None:
        self.sha256.update(piece)
        self.md5.update(piece)


def _place(model: RegisteredModel, settings: ModelSettings) -> Path:
    if not model.source or model.is_service:
        raise FetchFailed(f"{model.name} is no file that can be fetched")
    try:
        require_allowed(model, settings)
    except ModelRefused as error:
        raise FetchFailed(str(error)) from error
    path = settings.folder / model.file_name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(path.parent).free
    except OSError as error:
        raise FetchFailed(
            f"the folder {settings.folder} cannot be used ({error.strerror}); "
            "name another in PACKSHOT_MODELS_DIR"
        ) from error
    if free < model.size_bytes:
        raise FetchFailed(
            f"{model.name} takes {model.size_bytes / 1e6:.0f} MB and {path.parent} has "
            f"{free / 1e6:.0f} left"
        )
    return path


def _receive(
    model: RegisteredModel, file: IO[bytes], *, progress: Progress, open_url: OpenUrl
) -> _Hashes:
    """Append what is missing to the partial file; return the digests of the whole."""
    hashes = _hashed_so_far(file)
    there = file.tell()
    if model.size_bytes and there == model.size_bytes:
        return hashes
    request = urllib.request.Request(model.source)  # noqa: S310 - open_url checks the scheme
    if there:
        request.add_header("Range", f"bytes={there}-")
    try:
        answer = open_url(request)
    except urllib.error.HTTPError as error:
        if error.code == _RANGE_NOT_SATISFIABLE and there:
            # Longer than the file that is offered: it was another one.
            _empty(file)
            return _receive(model, file, progress=progress, open_url=open_url)
        raise
    with answer:
        if there and not _goes_on_at(answer, there):
            _empty(file)
            hashes, there = _Hashes(), 0
        whole = model.size_bytes or _announced(answer, there)
        most = model.size_bytes or MOST_BYTES
        while piece := answer.read(_PIECE_BYTES):
            there += len(piece)
            if there > most:
                _empty(file)
                raise FetchFailed(
                    f"{model.source} is larger than the {most} bytes that {model.name} may have"
                )
            file.write(piece)
            hashes.update(piece)
            progress(there, whole)
    if whole and there < whole:
        raise FetchFailed(
            f"the transfer of {model.name} broke off after {there / 1e6:.1f} of {whole / 1e6:.1f} "
            "MB; the same command goes on from there"
        )
    return hashes


def _empty(file: IO[bytes]) -> None:
    file.seek(0)
    file.truncate()


def _hashed_so_far(file: IO[bytes]) -> _Hashes:
    hashes = _Hashes()
    file.seek(0)
    while piece := file.read(_PIECE_BYTES):
        hashes.update(piece)
    return hashes


def _goes_on_at(answer: HTTPResponse, there: int) -> bool:
    found = _RANGE_START.match(answer.headers.get("Content-Range", ""))
    return answer.status == _PARTIAL_CONTENT and found is not None and int(found[1]) == there


def _announced(answer: HTTPResponse, there: int) -> int:
    length = answer.headers.get("Content-Length", "")
    return there + int(length) if length.isdecimal() else 0


def _hold_against(model: RegisteredModel, hashes: _Hashes, pin: Pin | None) -> bool:
    """Refuse a file with the wrong checksum; return whether rembg's MD5 agreed at first use."""
    sha256 = hashes.sha256.hexdigest()
    if pin is not None:
        if sha256 != pin.sha256:
            raise FetchFailed(
                f"what came from {model.source} is another file: its SHA-256 is {sha256}, and "
                f"{pin.sha256} was expected (pinned by {pin.by}); it was thrown away"
            )
        return False
    published = published_md5(model.source)
    if published and hashes.md5.hexdigest() != published:
        raise FetchFailed(
            f"what came from {model.source} is not the file that rembg names (MD5 {published}); "
            "it was thrown away"
        )
    return bool(published)


def published_md5(source: str) -> str:
    """Return the MD5 that the installed rembg holds for an address; empty if there is none.

    Read from the text of its modules: importing rembg would load numba, and ends the process
    where onnxruntime is missing.
    """
    spec = importlib.util.find_spec("rembg")
    places: Any = spec.submodule_search_locations if spec is not None else None
    for place in places or ():
        for module in sorted(Path(place, "sessions").glob("*.py")):
            text = module.read_text(encoding="utf-8")
            found = re.search(
                re.escape(source) + r'".{0,300}?"md5:([0-9a-f]{32})"', text, re.DOTALL
            )
            if found:
                return found[1]
    return ""


def _unreachable(model: RegisteredModel, path: Path, error: OSError | HTTPException) -> str:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
    host = urlsplit(model.source).hostname
    return (
        f"{model.name} does not come from {host} ({reason}); try again, or fetch {model.source} "
        f"elsewhere, put it here as {path} and run: manage.py models verify {model.name}"
    )


def _refuse_unsafe(address: str) -> None:
    if urlsplit(address).scheme != "https":
        raise FetchFailed(f"{address} is no HTTPS address, and weights come over nothing else")
