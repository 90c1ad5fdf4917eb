from __future__ import annotations

import pytest
from django.test import Client

from apps.core.errors import InvalidError
from apps.tenants.models import Tenant
from apps.tenants.services import create_workspace, rename_workspace
from tests.cast import Person

pytestmark = pytest.mark.django_db


def test_a_renamed_workspace_keeps_its_address(as_alice: Client, ateliers: Tenant) -> None:
    answer = as_alice.post("/w/ateliers/settings/", {"name": "Ateliers Nouveaux"})

    ateliers.refresh_from_db()
    assert answer.status_code == 302
    assert (ateliers.name, ateliers.slug) == ("Ateliers Nouveaux", "ateliers")


def test_a_workspace_needs_a_name(alice: Person) -> None:
    with pytest.raises(InvalidError, match="Give the workspace a name"):
        create_workspace(name=" \n ", owner_id=alice.user.pk)
    with pytest.raises(InvalidError):
        rename_workspace(actor=alice.actor, name="")


def test_a_foreign_and_a_missing_workspace_look_the_same(as_alice: Client, eve: Person) -> None:
    foreign = as_alice.get("/w/elsewhere/")
    missing = as_alice.get("/w/nowhere/")

    assert foreign.status_code == missing.status_code == 404
    assert b"There is no such workspace." in foreign.content
    assert b"There is no such workspace." in missing.content


def test_the_switcher_lists_only_ones_own_workspaces(as_alice: Client, eve: Person) -> None:
    page = as_alice.get("/w/ateliers/switcher/").content.decode()

    assert "Ateliers" in page
    assert "Elsewhere" not in page
