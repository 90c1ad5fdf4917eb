"""Operations pages in a browser: axe in both schemes and widths, the keyboard, and no script."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.e2e.conftest import House, OpenWindow
from tests.e2e.test_accessibility import LOOKS, _look_at, _tab_to
from tests.product import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

QUESTION = "images=400&starts_at=2031-01-10T09:00&spread=14400&kind=packshot&target_wait=30"
WORKSPACE = {
    "operations": "operations/",
    "month": "demand/",
    "week": "demand/?view=week",
    "plan": "demand/new/",
    "planner": "planner/",
    "answer": f"planner/?{QUESTION}",
}
OPERATOR = {
    "fleet": "fleet/",
    "fleet of one class": "fleet/?class=gpu",
    "models": "fleet/models/",
    "what if": "fleet/what-if/?worker_class=cpu&max_workers=2"
    "&target_wait_seconds=30&cold_start_seconds=20",
}


@pytest.fixture(scope="module")
def furnished(drill: House) -> House:
    """The demo workspace with a month behind it."""
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PACKSHOT_")},
        "DJANGO_SETTINGS_MODULE": "config.settings.local",
        "DATABASE_URL": f"sqlite:///{drill.product.var / 'db.sqlite3'}",
        "PACKSHOT_VAR_DIR": str(drill.product.var),
        "PYTHONPATH": str(ROOT),
    }
    script = ROOT / "tests/fakes/operations.py"
    subprocess.run([sys.executable, str(script), "demo-shop"], env=environ, cwd=ROOT, check=True)
    return drill


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_every_operations_page_is_accessible_and_quiet(
    furnished: House, open_window: OpenWindow, scheme: str, width: int
) -> None:
    window = open_window(furnished, scheme=scheme, width=width)
    window.expect_trouble("planner/.* 503")

    found = [
        line
        for name, path in WORKSPACE.items()
        for line in _look_at(window, name, f"{furnished.workspace}{path}")
    ]
    for name, path in OPERATOR.items():
        found += _look_at(window, name, f"{furnished.product.url}/{path}")

    assert not found, "\n".join(found)


def test_demand_is_planned_and_canceled_without_a_mouse(
    furnished: House, open_window: OpenWindow
) -> None:
    page = open_window(furnished).page
    page.goto(furnished.workspace)
    page.keyboard.press("g")
    page.keyboard.press("d")
    page.wait_for_url(re.compile("/demand/"))
    _tab_to(page, ".page-head__actions a[href$='demand/new/']")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/demand/new/"))

    page.get_by_label("Name").press_sequentially("Keyboard launch")
    _tab_to(page, "input[name=renders]")
    page.keyboard.type("1200")
    expect(page.get_by_text(re.compile("workers? warm|cpu workers?"))).to_be_visible()
    _tab_to(page, "main button[type=submit]")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Planned. The fleet prepares for it.")).to_be_visible()
    expect(page.locator(".calendar__period", has_text="Keyboard launch")).to_be_visible()

    page.get_by_role("button", name="Cancel Keyboard launch").press("Enter")
    expect(page.get_by_text("Keyboard launch is no longer planned.")).to_be_visible()


def test_the_planners_answer_becomes_a_planned_period(
    furnished: House, open_window: OpenWindow
) -> None:
    page = open_window(furnished).page
    page.goto(f"{furnished.workspace}planner/")
    page.get_by_label("Images").fill("300")
    page.get_by_role("button", name="Simulate").click()
    expect(page.get_by_text(re.compile("300 images are probably done by"))).to_be_visible()
    expect(page).to_have_url(re.compile("images=300"))

    page.get_by_role("link", name="Plan this demand").click()
    expect(page.get_by_label("Renders expected")).to_have_value("300")
    page.get_by_label("Name").fill("From the planner")
    page.get_by_role("button", name="Plan it").click()

    expect(page.locator(".calendar__period", has_text="From the planner").first).to_be_visible()


def test_the_calendar_turns_its_pages_by_fragment(
    furnished: House, open_window: OpenWindow
) -> None:
    page = open_window(furnished).page
    page.goto(f"{furnished.workspace}demand/?on=2031-01-15")
    expect(page.get_by_role("heading", name="January 2031")).to_be_visible()

    page.get_by_role("link", name="Month after").click()
    expect(page.get_by_role("heading", name="February 2031")).to_be_visible()
    expect(page.get_by_role("heading", name="When you usually order")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="January 2031")).to_be_visible()


def test_demand_is_planned_without_script(furnished: House, open_window: OpenWindow) -> None:
    def block_scripts(context: BrowserContext) -> None:
        context.route("**/*.js", lambda route: route.abort())

    window = open_window(furnished, prepare=block_scripts)
    window.expect_trouble("ERR_FAILED")
    page = window.page
    page.goto(f"{furnished.workspace}demand/new/")
    page.get_by_label("Name").fill("No script")
    page.get_by_label("Renders expected").fill("20")
    page.get_by_role("button", name="Plan it").click()

    expect(page.locator(".calendar__period", has_text="No script")).to_be_visible()


def test_a_decision_opens_to_every_parts_answer(furnished: House, open_window: OpenWindow) -> None:
    page = open_window(furnished).page
    page.goto(f"{furnished.product.url}/fleet/?class=gpu")

    page.locator(".decision__head").last.click()

    expect(page.get_by_text("decides", exact=True).last).to_be_visible()
