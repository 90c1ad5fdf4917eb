"""Every environment variable the application understands, read once, typed.

Owns names, defaults and checks. Each variable has a working default for one machine, so that a
fresh checkout runs with none set. A wrong value ends the start with one sentence that names the
variable and the cure.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

from config.queues import WORKER_CLASSES

ROOT = Path(__file__).resolve().parent.parent
FLEETS = ("local", "static", "ray", "kubernetes")
FORECASTS = ("shadow", "on", "off")
KUBERNETES_HANDS = ("packshot", "keda")


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
    fleet: str
    min_workers: Mapping[str, int]
    max_workers: Mapping[str, int]
    max_workers_per_tenant: int
    target_wait_seconds: float
    worker_budget_seconds_per_hour: float
    worker_budget_seconds_per_month: float
    forecast: str
    kubernetes_namespace: str
    kubernetes_hand: str
    ray_address: str
    ray_slots: str
    ray_prices: Mapping[str, int]
    metrics_token: str
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
        fleet=_one_of("PACKSHOT_FLEET", source.str("PACKSHOT_FLEET", default="static"), FLEETS),
        min_workers=_by_class("PACKSHOT_MIN_WORKERS", source, default="cpu=1"),
        max_workers=_by_class("PACKSHOT_MAX_WORKERS", source, default=""),
        max_workers_per_tenant=int(_not_negative("PACKSHOT_MAX_WORKERS_PER_TENANT", source, 0)),
        target_wait_seconds=_not_negative("PACKSHOT_TARGET_WAIT_SECONDS", source, 30),
        worker_budget_seconds_per_hour=_not_negative(
            "PACKSHOT_WORKER_BUDGET_SECONDS_PER_HOUR", source, 0
        ),
        worker_budget_seconds_per_month=_not_negative(
            "PACKSHOT_WORKER_BUDGET_SECONDS_PER_MONTH", source, 0
        ),
        forecast=_one_of(
            "PACKSHOT_FORECAST", source.str("PACKSHOT_FORECAST", default="shadow"), FORECASTS
        ),
        kubernetes_namespace=source.str("PACKSHOT_KUBERNETES_NAMESPACE", default=""),
        kubernetes_hand=_one_of(
            "PACKSHOT_KUBERNETES_HAND",
            source.str("PACKSHOT_KUBERNETES_HAND", default="packshot"),
            KUBERNETES_HANDS,
        ),
        ray_address=source.str("PACKSHOT_RAY_ADDRESS", default="127.0.0.1:6379"),
        ray_slots=source.str("PACKSHOT_RAY_SLOTS", default="cpu=CPU:1, gpu=CPU:1+GPU:1"),
        ray_prices=_by_class("PACKSHOT_RAY_PRICES_MINOR_PER_HOUR", source, default=""),
        metrics_token=source.str("PACKSHOT_METRICS_TOKEN", default=""),
        sentry_dsn=source.str("SENTRY_DSN", default=""),
    )


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ImproperlyConfigured(f"{name}={value!r} is none of: {', '.join(known)}")
    return value


def _not_negative(name: str, source: environ.Env, default: float) -> float:
    text = source.str(name, default=str(default))
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise ImproperlyConfigured(f"{name}={text!r} is no number; write it like {default or 7200}")
    return value


def _by_class(name: str, source: environ.Env, *, default: str) -> dict[str, int]:
    """Return numbers by worker class from ``cpu=4,gpu=2``."""
    text = source.str(name, default=default).strip()
    numbers: dict[str, int] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        found = re.fullmatch(r"([a-z][a-z-]{0,11})=(\d{1,5})", part)
        if not found:
            raise ImproperlyConfigured(
                f"{name}={text!r} cannot be read; write numbers by worker class, like cpu=4,gpu=2"
            )
        if found[1] not in WORKER_CLASSES:
            raise ImproperlyConfigured(
                f"{name}={text!r} names no worker class; there are {', '.join(WORKER_CLASSES)}"
            )
        numbers[found[1]] = int(found[2])
    return numbers


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
