"""What the catalog's tests share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.cast import Person

Send = Callable[..., Any]


@pytest.fixture
def send(as_alice: Client) -> Send:
    """Upload a file as Alice's browser does, by script; returns the response."""
    return sender(as_alice, "ateliers")


def sender(client: Client, slug: str) -> Send:
    def send(data: bytes, name: str = "AMB-250_front.jpg", **fields: Any) -> Any:
        part = SimpleUploadedFile(name, data, content_type=fields.pop("content_type", "image/jpeg"))
        return client.post(
            f"/w/{slug}/uploads/", {"file": part, **fields}, headers={"accept": "application/json"}
        )

    return send


@pytest.fixture
def browser_of() -> Callable[[Person], Client]:
    """A browser in which a person is signed in."""

    def sign_in(person: Person) -> Client:
        client = Client()
        client.force_login(person.user)
        return client

    return sign_in
