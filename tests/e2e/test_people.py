"""A colleague comes in by mail, goes out and signs in again."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import House, OpenWindow
from tests.product import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

EMAIL = "rosa@lumen.example"
PASSWORD = "nine-green-bicycles"


def _invitation_link(house: House) -> str | None:
    """Without a mail server mails are printed where the process that sends them logs."""
    logs = (path.read_text(errors="replace") for path in (house.product.var / "logs").iterdir())
    found = re.search(rf"{re.escape(house.product.url)}/invitation/[^\s\"<]+", "\n".join(logs))
    return found[0] if found else None


def test_an_invited_colleague_signs_up_into_the_workspace_and_signs_in_again(
    drill: House, open_window: OpenWindow
) -> None:
    owner = open_window(drill).page
    owner.goto(f"{drill.workspace}members/")
    owner.get_by_label("Email").fill(EMAIL)
    owner.get_by_label("Role", exact=True).select_option("reviewer")
    owner.get_by_role("button", name="Send invitation").click()
    expect(owner.get_by_role("rowheader", name=EMAIL)).to_be_visible()
    link = until(lambda: _invitation_link(drill), seconds=30, what="the mail", every=0.3)

    rosa = open_window(drill, signed_in=False).page
    rosa.goto(link)
    rosa.get_by_role("link", name=re.compile("account")).first.click()
    expect(rosa.get_by_role("heading", name="Join Demo Shop")).to_be_visible()
    expect(rosa.get_by_label("Email")).to_have_value(EMAIL)
    rosa.get_by_label("Password").fill(PASSWORD)
    rosa.get_by_role("button", name="Create account and join").click()
    rosa.wait_for_url(drill.workspace)
    # A reviewer judges and orders nothing.
    expect(rosa.get_by_role("link", name="Review").first).to_be_visible()
    expect(rosa.get_by_role("link", name=re.compile("New shoot"))).to_have_count(0)

    rosa.get_by_label(re.compile("Your account:")).first.click()
    rosa.get_by_role("button", name="Sign out").click()
    rosa.goto(drill.workspace)
    rosa.wait_for_url(re.compile("/accounts/login/"))
    rosa.get_by_label("Email").fill(EMAIL)
    rosa.get_by_label("Password").fill(PASSWORD)
    rosa.get_by_role("button", name="Sign in", exact=True).click()
    rosa.wait_for_url(drill.workspace)

    owner.reload()
    expect(owner.get_by_role("heading", name="2 members")).to_be_visible()
