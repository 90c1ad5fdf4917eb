"""Every page of the signed-in person and of the entrance renders, and reading changes nothing."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.cast import Person

pytestmark = pytest.mark.django_db

OPEN = ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/invitation/"]
OWN = [
    "/accounts/profile/",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/2fa/",
    "/accounts/2fa/webauthn/",
    "/accounts/sessions/",
    "/accounts/logout/",
    "/workspaces/",
    "/workspaces/new/",
    "/w/ateliers/",
    "/w/ateliers/now/",
    "/w/ateliers/members/",
    "/w/ateliers/settings/",
    "/w/ateliers/switcher/",
]
_WRITES = re.compile(r"^\s*(INSERT|UPDATE|DELETE)", re.I)
_SESSIONS = re.compile(r"django_session|usersessions_usersession", re.I)


@pytest.mark.parametrize("path", OPEN)
def test_the_entrance_has_one_main_and_no_inline_script(client: Client, path: str) -> None:
    page = client.get(path, follow=True).content.decode()

    assert page.count("<main") == 1
    assert page.count("<h1") == 1
    assert not re.search(r"\son\w+=|style=|javascript:", page)


@pytest.mark.parametrize("path", OWN)
def test_reading_a_page_writes_nothing_but_the_session(
    as_alice: Client, alice: Person, path: str
) -> None:
    # Allauth makes good a missing row of its own when it first sees a person; sign-up has it.
    EmailAddress.objects.create(user=alice.user, email=alice.user.email, primary=True)

    with CaptureQueriesContext(connection) as queries:
        answer = as_alice.get(path)

    writes = [
        query["sql"]
        for query in queries
        if _WRITES.match(query["sql"]) and not _SESSIONS.search(query["sql"])
    ]
    assert answer.status_code == 200
    assert writes == []
    assert not re.search(r"\son\w+=|\sstyle=|javascript:", answer.content.decode())


def test_the_name_can_be_changed(as_alice: Client, alice: Person) -> None:
    as_alice.post("/accounts/profile/", {"name": "  Alice   Martin "})

    alice.user.refresh_from_db()
    assert alice.user.name == "Alice Martin"


@pytest.mark.parametrize(
    ("chosen", "stored"), [("dark", "dark"), ("light", "light"), ("", ""), ("<b>", "")]
)
def test_the_color_scheme_is_kept_in_a_cookie(client: Client, chosen: str, stored: str) -> None:
    answer = client.post("/accounts/theme/", {"theme": chosen})

    assert answer.cookies["theme"].value == stored


def test_the_first_paint_has_the_chosen_scheme(client: Client) -> None:
    client.cookies["theme"] = "dark"

    assert '<html lang="en" data-theme="dark">' in client.get("/accounts/login/").content.decode()


def test_the_theme_switch_leads_to_no_foreign_site(client: Client) -> None:
    answer = client.post(
        "/accounts/theme/", {"theme": "dark"}, headers={"Referer": "https://evil.example/"}
    )

    assert answer.headers["Location"] == "/"
