"""The live socket: members in, hints out, nothing else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from channels.db import database_sync_to_async
from channels.routing import URLRouter
from channels.sessions import SessionMiddlewareStack
from django.contrib.auth.models import AnonymousUser
from django.test import Client

from apps.events import consumers, live, services
from apps.events.kinds import Kind
from apps.events.routing import websocket_urlpatterns
from apps.tenants.models import Membership
from apps.tenants.scope import tenant_scope
from tests.cast import Person
from tests.fakes.sockets import Socket

pytestmark = pytest.mark.django_db(transaction=True)

application = URLRouter(websocket_urlpatterns)


def socket_of(user: Any, slug: str = "ateliers") -> Socket:
    socket = Socket(application, f"/ws/w/{slug}/")
    socket.scope["user"] = user
    return socket


@asynccontextmanager
async def listening(person: Person) -> AsyncIterator[Socket]:
    socket = socket_of(person.user)
    connected, _ = await socket.connect()
    assert connected
    try:
        yield socket
    finally:
        await socket.disconnect()


async def run(function: Callable[..., Any], *args: Any, **values: Any) -> Any:
    return await database_sync_to_async(function)(*args, **values)


async def test_vera_hears_what_happens_in_her_workspace(vera):
    def happen() -> None:
        with tenant_scope(vera.tenant.pk):
            services.record(
                actor=vera.actor, kind=Kind.RENDER_STARTED, subject="rnd_1", shoot="sho_1"
            )

    async with listening(vera) as page:
        await run(happen)
        message = await page.hear()

    assert message == {
        "type": "poke",
        "kind": "render.started",
        "id": "rnd_1",
        "data": {"shoot": "sho_1"},
    }


async def test_progress_is_forwarded_as_data(vera):
    async with listening(vera) as page:
        await run(
            live.progress,
            vera.tenant.pk,
            subject="rnd_1",
            step=2,
            steps=5,
            label="Cutting out",
            share=0.4,
            preview=7,
        )
        message = await page.hear()

    assert message == {
        "type": "progress",
        "id": "rnd_1",
        "step": 2,
        "steps": 5,
        "label": "Cutting out",
        "share": 0.4,
        "preview": 7,
    }


async def test_eve_is_refused_the_socket_of_ateliers(ateliers, eve):
    connected, code = await socket_of(eve.user).connect()

    assert (connected, code) == (False, 4403)


async def test_a_missing_workspace_looks_like_a_foreign_one(eve):
    connected, code = await socket_of(eve.user, "nowhere").connect()

    assert (connected, code) == (False, 4403)


async def test_who_is_not_signed_in_is_refused(ateliers):
    connected, code = await socket_of(AnonymousUser()).connect()

    assert (connected, code) == (False, 4403)


async def test_a_disabled_person_is_refused(vera):
    vera.user.is_active = False
    await run(vera.user.save)

    connected, code = await socket_of(vera.user).connect()

    assert (connected, code) == (False, 4403)


async def test_eve_hears_nothing_of_ateliers_on_her_own_socket(ateliers, eve):
    page = socket_of(eve.user, "elsewhere")
    assert (await page.connect())[0]

    await run(live.progress, ateliers.pk, subject="r", step=1, steps=1, label="", share=1.0)

    assert await page.receive_nothing(0.2)
    await page.disconnect()


async def test_revoking_closes_the_sockets_of_that_person_only(vera, rita):
    async with listening(rita) as ritas:
        veras = socket_of(vera.user)
        await veras.connect()

        await run(live.revoke_on_commit, vera.tenant.pk, str(vera.user.pk))

        assert await veras.closing() == 4403
        assert await ritas.receive_nothing(0.1)
        await veras.disconnect()


async def test_a_removed_member_is_found_out_without_any_hint(vera, monkeypatch):
    monkeypatch.setattr(consumers.LiveConsumer, "recheck_seconds", 0.05)
    page = socket_of(vera.user)
    await page.connect()

    await run(Membership.objects.filter(user=vera.user).delete)

    assert await page.closing() == 4403
    await page.disconnect()


async def test_signing_out_ends_the_socket(vera, monkeypatch):
    monkeypatch.setattr(consumers.LiveConsumer, "recheck_seconds", 0.05)
    browser = Client()
    await run(browser.force_login, vera.user)
    cookie = browser.cookies["sessionid"].value
    page = Socket(
        SessionMiddlewareStack(application),
        "/ws/w/ateliers/",
        headers=[(b"cookie", f"sessionid={cookie}".encode())],
    )
    page.scope["user"] = vera.user
    assert (await page.connect())[0]
    assert await page.receive_nothing(0.2)

    await run(browser.logout)

    assert await page.closing() == 4403
    await page.disconnect()


async def test_a_ping_is_answered(vera):
    async with listening(vera) as page:
        await page.say('{"type": "ping"}')

        assert await page.hear() == {"type": "pong"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        '"ping"',
        "null",
        json.dumps({"type": "live.poke", "kind": "x", "id": "y", "data": {}}),
        json.dumps({"type": "live_revoke", "user": "1"}),
        json.dumps({"type": "group_add", "group": "t.0.live"}),
        json.dumps({"type": ["ping"]}),
    ],
)
async def test_anything_else_a_client_says_is_ignored(vera, text):
    async with listening(vera) as page:
        await page.say(text)

        assert await page.receive_nothing(0.1)


@pytest.mark.parametrize("frame", [{"text": "x" * 257}, {"data": b"{}"}])
async def test_a_large_or_binary_frame_ends_the_socket(vera, frame):
    page = socket_of(vera.user)
    await page.connect()

    await page.say(**frame)

    assert await page.closing() == 1009
    await page.disconnect()


async def test_a_flood_of_frames_ends_the_socket(vera):
    page = socket_of(vera.user)
    await page.connect()

    for _ in range(consumers.MAX_FRAMES + 1):
        await page.say("x")

    assert await page.closing() == 1008
    await page.disconnect()


async def test_one_person_opens_only_so_many_sockets(vera, rita, monkeypatch):
    monkeypatch.setattr(consumers, "MAX_SOCKETS_PER_USER", 2)
    async with listening(vera), listening(vera):
        connected, code = await socket_of(vera.user).connect()
        assert (connected, code) == (False, 4429)
        async with listening(rita):
            pass

    async with listening(vera):
        pass


async def test_what_is_undone_is_not_hinted(vera):
    from django.db import transaction

    def fail() -> None:
        with tenant_scope(vera.tenant.pk), transaction.atomic():
            services.record(actor=vera.actor, kind=Kind.RENDER_STARTED, subject="rnd_1")
            transaction.set_rollback(True)

    async with listening(vera) as page:
        await run(fail)

        assert await page.receive_nothing(0.2)


def test_the_group_of_a_workspace_can_be_neither_read_nor_confused(settings):
    name = live.group_name("wsp_a")

    assert "wsp_a" not in name
    assert name != live.group_name("wsp_b")
    settings.SECRET_KEY = "another secret of another house"
    assert live.group_name("wsp_a") != name
