"""Signing out ends what is open, not only the next request."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.test import Client
from django.urls import reverse

from apps.events.live import group_name
from tests.cast import Person


@pytest.mark.django_db(transaction=True)
def test_signing_out_closes_the_live_sockets(as_alice: Client, alice: Person) -> None:
    layer = get_channel_layer()
    async_to_sync(layer.group_add)(group_name(alice.tenant.pk), "a-page")

    as_alice.post(reverse("account_logout"))

    message = async_to_sync(layer.receive)("a-page")
    assert (message["type"], message["user"]) == ("live.revoke", str(alice.user.pk))
