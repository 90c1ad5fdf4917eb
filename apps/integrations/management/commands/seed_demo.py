"""The demo workspace that ``make up`` shows to a new user."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services.one_time_logins import one_time_login_url
from apps.accounts.services.workspaces import open_workspace
from apps.billing.credits import grant
from apps.catalog.services.samples import add_sample_photos
from apps.compute.services.demand import plan_demand
from apps.core.clock import now
from apps.integrations.models import ApiKey
from apps.integrations.scopes import Scope
from apps.integrations.services.api_keys import create_api_key
from apps.studio.models import Shoot
from apps.studio.services.ordering import order_shoot
from apps.tenants.models import Membership
from apps.tenants.roles import Actor
from apps.tenants.scope import tenant_scope

EMAIL = "demo@packshot.example"
_KEY_NAME = "make up"
_CREDITS = 5_000
_PLANNED_RENDERS = 400


class Command(BaseCommand):
    """Make the demo workspace once; give a fresh sign-in link and API key every time."""

    help = "Seed the demo workspace and print how to get in."

    def add_arguments(self, parser: CommandParser) -> None:
        """Offer JSON, which is what the supervisor reads."""
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed, then print."""
        password = _kept_password(settings.VAR_DIR / "demo_password")
        membership = _demo_membership(password)
        actor = membership.actor
        with tenant_scope(actor.tenant):
            if not Shoot.objects.exists():
                _first_shoot(actor)
                _first_plan(actor)
            api_key = _fresh_key(actor)
        facts = {
            "email": EMAIL,
            "password": password,
            "login_url": one_time_login_url(membership.user),
            "api_key": api_key,
        }
        print(
            json.dumps(facts)
            if options["json"]
            else "\n".join(f"{k}: {v}" for k, v in facts.items())
        )


def _demo_membership(password: str) -> Membership:
    user = User.objects.filter(email=EMAIL).first()
    if user is None:
        with transaction.atomic():
            # Whoever starts the demo runs this installation: the fleet page is theirs.
            user = User.objects.create_user(EMAIL, password, name="Demo", is_staff=True)
            EmailAddress.objects.create(user=user, email=EMAIL, verified=True, primary=True)
            opened = open_workspace(owner=user, name="Demo Shop", plan_slug="pro")
            with tenant_scope(opened.tenant_id):
                grant(tenant=opened.tenant_id, amount=_CREDITS, reason="demo")
    return Membership.objects.select_related("user", "tenant").filter(user=user).earliest("pk")


def _first_shoot(actor: Actor) -> None:
    photos = add_sample_photos(actor=actor)
    if photos:
        order_shoot(
            actor=actor,
            photo_ids=[photo.pk for photo in photos],
            scene_slug="packshot-white",
            sales_channels=["amazon-main"],
            name="Welcome to Packshot",
        )


def _first_plan(actor: Actor) -> None:
    friday = now() + timedelta(days=(4 - now().weekday()) % 7 or 7)
    starts_at = friday.replace(hour=9, minute=0, second=0, microsecond=0)
    plan_demand(
        actor=actor,
        name="Holiday catalog",
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=4),
        renders=_PLANNED_RENDERS,
        kind="packshot",
        note="An example: change it, or cancel it.",
    )


def _fresh_key(actor: Actor) -> str:
    # Only its digest is stored, so yesterday's cannot be shown again: it ends, a new one begins.
    ApiKey.objects.filter(name=_KEY_NAME, revoked_at=None).update(revoked_at=now())
    _, secret = create_api_key(actor=actor, name=_KEY_NAME, scopes=list(Scope))
    return secret


def _kept_password(path: Path) -> str:
    """Return the demo login's password, made on first use: no default that everyone knows."""
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        password = secrets.token_urlsafe(12)
        path.touch(mode=0o600)
        path.write_text(password, encoding="ascii")
        return password
