"""The door of the fork server: one socket in a folder, one JSON line in, one JSON line out.

Owns the address, the form of a message and the time a side waits. Does not know what is asked:
that is `forkserver`. Standard library only, because the application comes in through here too.

Requests, each answered by ``{"ok": true, …}`` or ``{"ok": false, "reason": …}``:

* ``{"do": "list"}``: ``workers`` (worker, worker_class, engine, state, launched_at in seconds since
  the epoch, pid, device) and ``capacity`` (worker class to number of workers)
* ``{"do": "launch", "worker_class": …, "engine": …, "names": […]}``: ``started``, names in order
* ``{"do": "drain", "worker": …}`` and ``{"do": "terminate", "worker": …}``: nothing more
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

_SOCKET_NAME: Final = "forkserver.sock"
_LOCK_NAME: Final = "forkserver.lock"
_ANSWER_SECONDS: Final = 10.0
_LINE_BYTES: Final = 1_048_576
_ADDRESS_BYTES: Final = 100


class NobodyServes(Exception):
    """No fork server answers in this folder; nothing is known about what it did."""


class AlreadyServed(Exception):
    """Another fork server holds this folder."""


def ask(folder: Path, request: Mapping[str, Any]) -> dict[str, Any]:
    """Send a request to the fork server of a folder and return its answer.

    Raises
    ------
    NobodyServes
        If none answers in time, or its answer breaks off.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(_ANSWER_SECONDS)
            with _address(folder) as address:
                client.connect(address)
            send(client, request)
            return receive(client)
    except (OSError, ValueError) as error:
        raise NobodyServes(f"no fork server answers in {folder}: {error}") from error


def send(connection: socket.socket, body: Mapping[str, Any]) -> None:
    """Send one message; raises `OSError` if it does not go out in time."""
    connection.sendall(json.dumps(body).encode() + b"\n")


def receive(connection: socket.socket) -> dict[str, Any]:
    """Receive one message.

    Raises
    ------
    OSError
        If it does not come in time, breaks off, or is longer than a megabyte.
    ValueError
        If it is no JSON object.
    """
    data = bytearray()
    while not data.endswith(b"\n"):
        part = connection.recv(65_536)
        if not part or len(data) > _LINE_BYTES:
            raise OSError("the line broke off")
        data += part
    body = json.loads(data)
    if not isinstance(body, dict):
        raise ValueError("an object was expected")
    return body


class Door:
    """The serving side: holds the folder against a second server, and listens.

    Raises
    ------
    AlreadyServed
        If another server holds the folder.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = (folder / _LOCK_NAME).open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise AlreadyServed(f"another fork server serves {folder}") from None
        # What a predecessor left; with the lock in hand nobody listens there.
        (folder / _SOCKET_NAME).unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)  # whoever may open it may start processes in our name
        try:
            with _address(folder) as address:
                self.listener.bind(address)
        finally:
            os.umask(before)
        self.listener.listen(16)

    def close(self) -> None:
        """Let nobody in any more; the folder is free for a successor."""
        self.listener.close()
        self._lock.close()


@contextlib.contextmanager
def _address(folder: Path) -> Iterator[str]:
    """The path to bind or connect to: a socket's address holds 107 bytes, a folder's path more."""
    path = folder / _SOCKET_NAME
    if len(os.fsencode(path)) <= _ADDRESS_BYTES or sys.platform != "linux":
        yield str(path)
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{_SOCKET_NAME}"
    finally:
        os.close(descriptor)
