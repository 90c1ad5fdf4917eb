from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from apps.accounts.models import OneTimeLogin
from apps.accounts.services import one_time_login_url
from apps.core import clock
from tests.cast import Person

pytestmark = pytest.mark.django_db


def path_of(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def test_the_link_signs_in_once(alice: Person, client: Client) -> None:
    path = path_of(one_time_login_url(alice.user))

    first = client.get(path)
    second = Client().get(path)

    assert first.headers["Location"] == "/"
    assert client.session["_auth_user_id"] == str(alice.user.pk)
    assert second.status_code == 404
    assert "has been used or is too old" in second.content.decode()


def test_the_link_ends_after_an_hour(alice: Person, client: Client) -> None:
    path = path_of(one_time_login_url(alice.user))
    OneTimeLogin.objects.update(expires_at=clock.now() - timedelta(seconds=1))

    assert client.get(path).status_code == 404
    assert "_auth_user_id" not in client.session


def test_a_person_who_was_switched_off_cannot_come_in(alice: Person, client: Client) -> None:
    path = path_of(one_time_login_url(alice.user))
    alice.user.is_active = False
    alice.user.save()

    assert client.get(path).status_code == 404


def test_the_token_is_not_stored(alice: Person) -> None:
    url = one_time_login_url(alice.user)

    [row] = OneTimeLogin.objects.values()
    assert url.rstrip("/").rsplit("/", 1)[1] not in str(row)


def test_old_links_are_swept(alice: Person) -> None:
    one_time_login_url(alice.user)
    OneTimeLogin.objects.update(expires_at=clock.now() - timedelta(days=1))

    one_time_login_url(alice.user)

    assert OneTimeLogin.objects.count() == 1
