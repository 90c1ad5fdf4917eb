from __future__ import annotations

import pytest

from apps.accounts.rules import assignable_roles, may_assign, would_orphan
from apps.tenants.roles import PERMISSIONS, Actor, Role


def actor(role: Role) -> Actor:
    return Actor("wsp_x", "member", "1", "x", PERMISSIONS[role])


def test_an_admin_gives_every_role_but_owner() -> None:
    assert assignable_roles(actor(Role.ADMIN)) == (
        Role.ADMIN,
        Role.PRODUCER,
        Role.REVIEWER,
        Role.VIEWER,
    )


@pytest.mark.parametrize("role", list(Role))
def test_an_owner_gives_every_role(role: Role) -> None:
    assert may_assign(actor(Role.OWNER), role)


def test_a_producer_cannot_make_reviewers() -> None:
    assert not may_assign(actor(Role.PRODUCER), Role.REVIEWER)


@pytest.mark.parametrize(
    ("roles", "leaving", "becoming", "orphaned"),
    [
        (["owner", "admin"], "owner", None, True),
        (["owner", "admin"], "owner", "admin", True),
        (["owner", "owner"], "owner", None, False),
        (["owner", "admin"], "admin", None, False),
        (["owner"], "owner", "owner", False),
    ],
)
def test_a_workspace_keeps_an_owner(
    roles: list[str], leaving: str, becoming: str | None, orphaned: bool
) -> None:
    assert would_orphan(roles, leaving, becoming) is orphaned
