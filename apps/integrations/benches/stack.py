"""A stack that is thrown away: a folder, a Redis and a database of its own.

With ``DATABASE_URL`` on a PostgreSQL server, a database is made there and dropped afterwards; the
one that the address names is never written to.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from django.db import connection

from apps.core import embedded_redis
from config.env import ROOT


class NotMeasurable(Exception):
    """Something that a measurement needs is not there; the message says what."""


@contextmanager
def throwaway_environ() -> Iterator[dict[str, str]]:
    """Start what a stack needs and yield the environment of its processes.

    Raises
    ------
    RedisMissing
        If no Redis can be started.
    """
    with tempfile.TemporaryDirectory(prefix="packshot-bench-") as folder:
        server = embedded_redis.start(Path(folder) / "redis", durable=False)
        try:
            with _database(Path(folder)) as database_url:
                yield {
                    **os.environ,
                    "PACKSHOT_VAR_DIR": folder,
                    "PACKSHOT_STORAGE_URL": f"file://{folder}/media",
                    "PACKSHOT_REDIS_URL": server.url,
                    "PACKSHOT_FLEET": "static",
                    "DATABASE_URL": database_url,
                    "PYTHONUNBUFFERED": "1",
                }
        finally:
            server.stop()


def run(arguments: Sequence[str], environ: dict[str, str]) -> int:
    """Run one of our commands on the stack, its output going where ours goes; its exit code."""
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, str(ROOT / "manage.py"), *arguments], env=environ, check=False
    ).returncode


@contextmanager
def _database(folder: Path) -> Iterator[str]:
    if connection.vendor == "sqlite":
        yield f"sqlite:///{folder / 'db.sqlite3'}"
        return
    name = f"packshot_bench_{secrets.token_hex(4)}"
    quoted = connection.ops.quote_name(name)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {quoted}")
    try:
        parts = urlsplit(os.environ["DATABASE_URL"])
        yield urlunsplit(parts._replace(path=f"/{name}"))
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {quoted} WITH (FORCE)")
