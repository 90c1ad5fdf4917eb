"""Fixtures that every suite shares: the cast, private storage, the real Redis."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.core import embedded_redis
from apps.core.embedded_redis import RedisServer
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from config.queues import rq_queues
from tests import cast
from tests.cast import Person

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photos, traces and bad images; tests without it skip and say so."""
    folder = Path(os.environ.get("PACKSHOT_SHARED", ROOT.parent / "shared"))
    if not (folder / "photos").is_dir():
        pytest.skip(f"no shared test material at {folder}; set PACKSHOT_SHARED")
    return folder


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Django's test database; stray connections of threads do not keep it from being dropped."""
    yield
    from django.db import connection

    with django_db_blocker.unblock():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )


@pytest.fixture(autouse=True)
def private_storage(settings: Any, tmp_path: Path) -> Path:
    """Every test has object storage of its own."""
    folder = tmp_path / "media"
    settings.STORAGE_URL = f"file://{folder}"
    return folder


@pytest.fixture
def ateliers(db: None) -> Tenant:
    return cast.workspace("ateliers", "Ateliers")


@pytest.fixture
def alice(ateliers: Tenant) -> Person:
    """Owner of Ateliers."""
    return cast.member(ateliers, "alice@ateliers.example", "owner")


@pytest.fixture
def adam(ateliers: Tenant) -> Person:
    """Admin of Ateliers."""
    return cast.member(ateliers, "adam@ateliers.example", "admin")


@pytest.fixture
def ben(ateliers: Tenant) -> Person:
    """Producer in Ateliers."""
    return cast.member(ateliers, "ben@ateliers.example", "producer")


@pytest.fixture
def rita(ateliers: Tenant) -> Person:
    """Reviewer in Ateliers."""
    return cast.member(ateliers, "rita@ateliers.example", "reviewer")


@pytest.fixture
def vera(ateliers: Tenant) -> Person:
    """Viewer in Ateliers."""
    return cast.member(ateliers, "vera@ateliers.example", "viewer")


@pytest.fixture
def eve(db: None) -> Person:
    """Owner of Elsewhere, who must see nothing of Ateliers."""
    return cast.member(cast.workspace("elsewhere", "Elsewhere"), "eve@elsewhere.example", "owner")


@pytest.fixture
def in_ateliers(ateliers: Tenant) -> Iterator[Tenant]:
    """An open scope of Ateliers for the whole test."""
    with tenant_scope(ateliers.pk):
        yield ateliers


@pytest.fixture
def as_alice(alice: Person, client: Client) -> Client:
    """A browser in which Alice is signed in."""
    client.force_login(alice.user)
    return client


@pytest.fixture(scope="session")
def redis_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One real Redis for each test process."""
    server = embedded_redis.start(tmp_path_factory.mktemp("redis"), durable=False)
    yield server
    server.stop()


@pytest.fixture
def redis_server(
    redis_process: RedisServer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> RedisServer:
    """The real Redis, empty, with queues, cache and channel layer pointed at it."""
    import redis

    settings.REDIS_URL = redis_process.url
    settings.RQ_QUEUES = rq_queues(redis_process.url)
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [{"address": redis_process.url, "socket_timeout": 30}]},
        }
    }
    with redis.Redis.from_url(redis_process.url) as client:
        client.flushall()
    # django-rq copies the queues once at import; its functions look them up here.
    monkeypatch.setattr("django_rq.settings.QUEUES", settings.RQ_QUEUES)
    return redis_process
