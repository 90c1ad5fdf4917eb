"""Every environment variable the application understands, read once, typed.

Owns names, defaults and checks. Each variable has a working default for one machine, so that a
fresh checkout runs with none set. A wrong value ends the start with one sentence that names the
variable and the cure.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Env:
    """The environment of one process, checked."""

    debug: bool
    secret_key: str
    var_dir: Path
    base_url: str
    allowed_hosts: tuple[str, ...]
    database_url: str
    redis_url: str
    storage_url: str
    email_url: str
    email_from: str
    worker_beat_seconds: float
    lease_seconds: float
    sentry_dsn: str


def read_env() -> Env:
    """Read and check the environment.

    Raises
    ------
    ImproperlyConfigured
        If a value cannot be used; the message names the variable and the cure.
    """
    source = environ.Env()
    var_dir = Path(source.str("PACKSHOT_VAR_DIR", default=str(ROOT / "var"))).absolute()
    port = source.int("PORT", default=8000)
    base_url = source.str("PACKSHOT_BASE_URL", default=f"http://127.0.0.1:{port}").rstrip("/")
    if not base_url.startswith(("http://", "https://")):
        raise ImproperlyConfigured(
            f"PACKSHOT_BASE_URL={base_url!r} is no web address; write it like https://shop.example"
        )
    storage_url = source.str("PACKSHOT_STORAGE_URL", default=f"file://{var_dir / 'media'}")
    if not storage_url.startswith(("file:///", "s3://")):
        raise ImproperlyConfigured(
            f"PACKSHOT_STORAGE_URL={storage_url!r} is neither file:///folder nor s3://bucket/prefix"
        )
    redis_url = source.str("PACKSHOT_REDIS_URL", default="redis://127.0.0.1:6379/0")
    if not redis_url.startswith(("redis://", "rediss://", "unix://")):
        raise ImproperlyConfigured(
            f"PACKSHOT_REDIS_URL={redis_url!r} is no Redis address; "
            "write it like redis://:password@host:6379/0"
        )
    lease = source.float("PACKSHOT_LEASE_SECONDS", default=30.0)
    beat = source.float("PACKSHOT_WORKER_BEAT_SECONDS", default=5.0)
    if lease < 3 * beat:
        raise ImproperlyConfigured(
            f"PACKSHOT_LEASE_SECONDS={lease:g} must be at least three times "
            f"PACKSHOT_WORKER_BEAT_SECONDS={beat:g}, or a late beat loses running work"
        )
    hosts = source.list("PACKSHOT_ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
    return Env(
        debug=source.bool("PACKSHOT_DEBUG", default=False),
        secret_key=source.str("PACKSHOT_SECRET_KEY", default="") or _kept_secret(var_dir),
        var_dir=var_dir,
        base_url=base_url,
        allowed_hosts=tuple(hosts),
        database_url=source.str("DATABASE_URL", default=f"sqlite:///{var_dir / 'db.sqlite3'}"),
        redis_url=redis_url,
        storage_url=storage_url,
        email_url=source.str("PACKSHOT_EMAIL_URL", default="consolemail://"),
        email_from=source.str("PACKSHOT_EMAIL_FROM", default="Packshot <packshot@localhost>"),
        worker_beat_seconds=beat,
        lease_seconds=lease,
        sentry_dsn=source.str("SENTRY_DSN", default=""),
    )


def _kept_secret(var_dir: Path) -> str:
    """Return the key in ``secret_key`` under the var folder, made on first use (mode 0600)."""
    path = var_dir / "secret_key"
    try:
        var_dir.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_text(encoding="ascii").strip()
        with os.fdopen(handle, "w", encoding="ascii") as file:
            key = secrets.token_urlsafe(48)
            file.write(key)
            return key
    except OSError as error:
        raise ImproperlyConfigured(
            f"{path} cannot be read or written ({error.strerror}); "
            "give PACKSHOT_VAR_DIR a folder of your own, or set PACKSHOT_SECRET_KEY"
        ) from error


env = read_env()
