"""What must be true before anything starts; each failure is one sentence that names the cure."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from pathlib import Path
from typing import Final

import redis

_LEAST_FREE_BYTES: Final = 500 * 1024 * 1024


class NotReady(RuntimeError):
    """The machine or its settings do not allow a start; the message names the cure."""


def check_python() -> None:
    """Refuse a Python that is too old."""
    if sys.version_info < (3, 11):  # noqa: UP036 - the sentence is for those who run older ones
        raise NotReady("Packshot needs Python 3.11 or newer; install it and run make up again.")


def check_folder(folder: Path, *, purpose: str, setting: str) -> None:
    """Make the folder if it is missing and prove that it can be written and read."""
    probe = folder / f".probe-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"packshot")
        probe.read_bytes()
        probe.unlink()
        next(folder.iterdir(), None)
    except OSError as error:
        raise NotReady(
            f"The {purpose} folder {folder} cannot be used ({error.strerror}); "
            f"change its owner to you, or point {setting} at a folder of your own."
        ) from error


def check_disk(folder: Path) -> None:
    """Refuse a disk that is about to be full."""
    free = shutil.disk_usage(folder).free
    if free < _LEAST_FREE_BYTES:
        raise NotReady(
            f"Only {free // 2**20} MB are free below {folder}; make room for 500 MB, "
            "or point PACKSHOT_VAR_DIR at a larger disk."
        )


def check_port(port: int) -> None:
    """Refuse a port that another program listens on."""
    if not 1 <= port <= 65_535:
        raise NotReady(f"PORT={port} is no port; choose one from 1024 to 65535.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError as error:
            raise NotReady(
                f"Port {port} needs root rights; choose one above 1023: PORT=8123 make up"
            ) from error
        except OSError as error:
            raise NotReady(
                f"Port {port} is taken by another program; stop that one, "
                f"or choose another port: PORT={port + 1} make up"
            ) from error


def check_redis(url: str) -> None:
    """Refuse a Redis that does not answer or is too old."""
    cure = "check PACKSHOT_REDIS_URL, or unset it to run the embedded Redis."
    try:
        with redis.Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3) as client:
            info = client.info("server")
    except (redis.exceptions.RedisError, ValueError, OSError) as error:
        raise NotReady(f"Redis does not answer ({error}); {cure}") from error
    version = str(info["redis_version"])
    if tuple(int(part) for part in version.split(".")[:2]) < (6, 2):
        raise NotReady(f"Redis {version} is too old; Packshot needs 6.2 or newer. Or {cure}")


def check_not_running(pid_file: Path) -> None:
    """Refuse a second start on the same folder while the first still runs."""
    try:
        pid = int(pid_file.read_text(encoding="ascii"))
        os.kill(pid, 0)
    except (OSError, ValueError):
        return
    if pid != os.getpid():
        raise NotReady(
            f"Packshot already runs on this folder (process {pid}); stop it with "
            f"Ctrl-C or `kill {pid}`, or give this one another PACKSHOT_VAR_DIR."
        )
