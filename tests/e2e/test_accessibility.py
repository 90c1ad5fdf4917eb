"""Every page in both color schemes and two widths: axe, sideways scrolling, the console, keys."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.e2e.conftest import House, OpenWindow, Window
from tests.product import until, upload_pictures

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

BEFORE_SIGN_IN = {
    "sign in": "/accounts/login/",
    "sign up": "/accounts/signup/",
    "password reset": "/accounts/password/reset/",
    "unknown address": "/nothing-here/",
}
ACCOUNT = {
    "profile": "/accounts/profile/",
    "email": "/accounts/email/",
    "password": "/accounts/password/change/",
    "two-factor": "/accounts/2fa/",
    "sessions": "/accounts/sessions/",
    "workspaces": "/workspaces/",
    "new workspace": "/workspaces/new/",
}
WORKSPACE = {
    "home": "",
    "products": "products/",
    "new product": "products/new",
    "new shoot": "shoots/new",
    "shoots": "shoots/",
    "review": "review/",
    "exports": "exports/",
    "members": "members/",
    "settings": "settings/",
    "brand kit": "brand/",
    "api keys": "settings/api-keys/",
    "problem": "shoots/sho_nothing/",
}
LOOKS = [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)]
# Preloading style sheets would trip over our own content security policy.
WCAG = {"resultTypes": ["violations"], "preload": False}
# Widest element first, so that a failure names the culprit.
SIDEWAYS = """
() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  return [...document.querySelectorAll("body *")]
    .filter((element) => element.getBoundingClientRect().right > width + 1)
    .slice(0, 5).map((element) => `${element.tagName}.${element.className}`);
}
"""


@pytest.fixture(scope="module")
def furnished(drill: House) -> Iterator[dict[str, str]]:
    """A workspace with something on every page; gives the addresses that hold an id."""
    with drill.api() as api:
        photos = upload_pictures(api, 3, start=70)
        drill.trouble.touch()
        failing = {"photos": photos[:1], "scene_template": "packshot-white"}
        order = {**failing, "sales_channels": ["shopify"]}
        first = api.post("/shoots", json=order).json()["id"]
        until(
            lambda: api.get(f"/shoots/{first}").json()["counts"]["failed"] == 1,
            seconds=30,
            what="a failed render",
            every=0.3,
        )
        drill.trouble.unlink()
        shoot = api.post("/shoots", json={**order, "photos": photos, "takes": 2}).json()["id"]
        until(
            lambda: api.get(f"/shoots/{shoot}").json()["counts"]["succeeded"] == 6,
            seconds=60,
            what="six renders",
            every=0.3,
        )
        photo_product = drill.product.rows(
            f"SELECT product_id FROM catalog_sourcephoto WHERE id = '{photos[0]}'"
        )[0][0]
    yield {
        "product": f"products/{photo_product}/",
        "shoot": f"shoots/{shoot}/",
        "shoot with a failure": f"shoots/{first}/",
        "review of a shoot": f"review/?shoot={shoot}",
    }
    drill.trouble.unlink(missing_ok=True)


def _settle(page: Page) -> None:
    """Wait until fragments that fetch themselves have come and the fonts are there."""
    page.wait_for_load_state("networkidle")
    page.evaluate("document.fonts.ready.then(() => true)")


def _look_at(window: Window, name: str, url: str) -> list[str]:
    """Return what is wrong with a page, each line with the page's name."""
    window.page.goto(url)
    _settle(window.page)
    found = [f"{name}: scrolls sideways: {names}" for names in window.page.evaluate(SIDEWAYS)]
    for violation in Axe().run(window.page, options=WCAG).response["violations"]:
        targets = ", ".join(str(node["target"]) for node in violation["nodes"][:3])
        line = f"{name}: {violation['impact']}: {violation['id']}: {targets}"
        if violation["impact"] in {"serious", "critical"}:
            found.append(line)
        else:
            print(line)
    return found


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_every_page_is_accessible_and_quiet(
    drill: House,
    open_window: OpenWindow,
    furnished: dict[str, str],
    scheme: str,
    width: int,
) -> None:
    stranger = open_window(drill, signed_in=False, scheme=scheme, width=width)
    member = open_window(drill, scheme=scheme, width=width)
    for window in (stranger, member):
        window.expect_trouble("(nothing-here|sho_nothing).*status of 404")
    base = drill.product.url

    found = [
        line
        for name, path in BEFORE_SIGN_IN.items()
        for line in _look_at(stranger, name, f"{base}{path}")
    ]
    for name, path in ACCOUNT.items():
        found += _look_at(member, name, f"{base}{path}")
    for name, path in {**WORKSPACE, **furnished}.items():
        found += _look_at(member, name, f"{drill.workspace}{path}")

    assert not found, "\n".join(found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_opens_on_a_page_is_accessible(
    drill: House, open_window: OpenWindow, furnished: dict[str, str], scheme: str
) -> None:
    window = open_window(drill, scheme=scheme)
    page = window.page
    page.goto(f"{drill.workspace}{furnished['review of a shoot']}")
    _settle(page)
    # The network may rest while the scripts that listen to keys have still to run.
    page.locator("html[data-hotkeys]").wait_for(state="attached")
    opened = {
        "keyboard help": lambda: page.keyboard.press("?"),
        "palette": lambda: page.keyboard.press("Control+k"),
        "reject dialog": lambda: page.keyboard.press("r"),
    }
    found = []
    for name, open_it in opened.items():
        open_it()
        expect(page.locator("dialog[open]"), name).to_be_visible()
        for violation in Axe().run(page, options=WCAG).response["violations"]:
            if violation["impact"] in {"serious", "critical"}:
                targets = [node["target"] for node in violation["nodes"][:3]]
                found.append(f"{name}: {violation['id']}: {targets}")
        page.keyboard.press("Escape")
        expect(page.locator("dialog[open]")).to_have_count(0)

    assert not found, "\n".join(found)


def test_a_key_right_after_a_dialog_closed_is_not_taken_for_typing(
    drill: House, open_window: OpenWindow, furnished: dict[str, str]
) -> None:
    page = open_window(drill).page
    page.goto(f"{drill.workspace}{furnished['review of a shoot']}")
    _settle(page)
    page.keyboard.press("Control+k")
    expect(page.locator("dialog[open]")).to_be_visible()

    # In one go, before the browser has drawn a frame and moved the focus out of what it closed.
    page.evaluate(
        """() => {
          document.querySelector("[data-palette]").close();
          const press = new KeyboardEvent("keydown", { key: "r", bubbles: true });
          document.activeElement.dispatchEvent(press);
        }"""
    )

    expect(page.locator("dialog[open][data-reject-dialog]")).to_be_visible()


def test_a_shoot_is_ordered_and_approved_without_a_mouse(
    drill: House, open_window: OpenWindow, furnished: dict[str, str]
) -> None:
    page = open_window(drill).page
    page.goto(drill.workspace)

    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()

    page.keyboard.press("n")
    page.wait_for_url(re.compile("/shoots/new"))
    _tab_to(page, "input[name=photo]")
    page.keyboard.press("Space")
    expect(page.locator("input[name=photo]").first).to_be_checked()
    _tab_to(page, "[data-order]")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/shoots/sho_"))
    expect(page.get_by_text("All 1 done")).to_be_visible()

    _tab_to(page, "a[href*='/review/?shoot=']")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/review/"))
    _tab_to(page, "[data-verdict=approve] button")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing waits")).to_be_visible()


def _tab_to(page: Page, selector: str) -> None:
    """Press Tab until the first match has the focus, and see that the focus is in sight."""
    page.locator(selector).first.wait_for(state="attached")
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            break
    else:
        raise AssertionError(f"Tab never comes to {selector}")
    assert page.evaluate(
        """() => {
          const focused = document.activeElement;
          const box = focused.getBoundingClientRect();
          const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
          return focused.contains(top) || Boolean(top?.contains(focused));
        }"""
    ), f"{selector} has the focus and is hidden"
