"""The contact sheet tells the truth: while the socket breaks, without one, and after a failure."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.conftest import SERVER_AWAY, House, OpenWindow, Window
from tests.product import until, upload_pictures

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

# Long enough to act on the page before the last render is done.
TAKES = 8


@pytest.fixture(scope="module")
def photos(drill: House) -> list[str]:
    with drill.api() as api:
        return upload_pictures(api, 3, start=40)


@pytest.fixture
def trouble(drill: House) -> Iterator[None]:
    """No worker finds a product meanwhile."""
    drill.trouble.touch()
    yield
    drill.trouble.unlink(missing_ok=True)


def _order(house: House, photos: list[str], *, takes: int = 1) -> str:
    """Order a shoot and return its id."""
    with house.api() as api:
        answer = api.post(
            "/shoots",
            json={
                "photos": photos,
                "scene_template": "packshot-white",
                "sales_channels": ["shopify"],
                "takes": takes,
            },
        )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def _open_sheet(window: Window, shoot: str) -> Page:
    window.page.goto(f"{window.house.workspace}shoots/{shoot}/")
    window.page.evaluate("window.sameDocument = true")
    return window.page


def _succeeded(house: House, shoot: str) -> int:
    with house.api() as api:
        return int(api.get(f"/shoots/{shoot}").json()["counts"]["succeeded"])


def _expect_all_done(page: Page, renders: int) -> None:
    expect(page.get_by_text(f"All {renders} done")).to_be_visible(timeout=60_000)
    expect(page.locator("[data-render-id][data-state=succeeded]")).to_have_count(renders)
    assert page.evaluate("window.sameDocument"), "the page was loaded again"


def _keep_sockets(context: BrowserContext) -> None:
    """Let a test close the page's sockets as a bad network would."""
    context.add_init_script(
        """
        window.sockets = [];
        window.WebSocket = class extends WebSocket {
          constructor(...given) { super(...given); window.sockets.push(this); }
        };
        """
    )


def test_a_sheet_whose_socket_was_cut_connects_again_and_catches_up(
    drill: House, open_window: OpenWindow, photos: list[str]
) -> None:
    window = open_window(drill, prepare=_keep_sockets)
    shoot = _order(drill, photos, takes=TAKES)
    page = _open_sheet(window, shoot)
    state = page.locator("[data-live-state]").first
    expect(state).to_have_text("Live")

    page.evaluate("window.sockets.at(-1).close()")

    expect(state).to_have_attribute("data-state", "away")
    expect(state).to_contain_text("Reconnecting")
    expect(state).to_have_text("Live")
    assert page.evaluate("window.sockets.length") > 1
    _expect_all_done(page, TAKES * len(photos))


def test_a_sheet_outlives_the_death_of_the_web_process(
    drill: House, open_window: OpenWindow, photos: list[str]
) -> None:
    window = open_window(drill)
    window.expect_trouble(SERVER_AWAY)
    shoot = _order(drill, photos, takes=TAKES)
    page = _open_sheet(window, shoot)
    state = page.locator("[data-live-state]").first
    expect(state).to_have_text("Live")

    web = drill.product.state["pids"]["web"]
    os.kill(web, signal.SIGKILL)

    expect(state).to_have_attribute("data-state", "away")
    until(
        lambda: drill.product.state["pids"].get("web") not in (None, web),
        seconds=20,
        what="the web process comes back",
    )
    expect(state).to_have_text("Live", timeout=40_000)
    _expect_all_done(page, TAKES * len(photos))
    # The dot beside the heading said it; nobody has to dismiss a pile of messages.
    expect(page.locator("[data-toast-region] [data-toast]")).to_have_count(0)


def test_a_sheet_without_sockets_is_right_on_reload_and_keeps_asking(
    drill: House, open_window: OpenWindow, photos: list[str]
) -> None:
    def without_sockets(context: BrowserContext) -> None:
        context.route_web_socket(re.compile("/ws/"), lambda socket: socket.close())

    window = open_window(drill, prepare=without_sockets)
    shoot = _order(drill, photos, takes=TAKES)
    page = _open_sheet(window, shoot)
    expect(page.locator("[data-live-state]").first).to_contain_text("refreshing every 5 s")

    _expect_all_done(page, TAKES * len(photos))

    page.reload()
    expect(page.get_by_text(f"All {TAKES * len(photos)} done")).to_be_visible()
    expect(page.locator("[data-render-id][data-state=succeeded]")).to_have_count(
        _succeeded(drill, shoot)
    )


def test_a_reload_in_the_middle_shows_what_the_server_knows(
    drill: House, open_window: OpenWindow, photos: list[str]
) -> None:
    window = open_window(drill)
    shoot = _order(drill, photos, takes=TAKES)
    page = _open_sheet(window, shoot)
    until(lambda: _succeeded(drill, shoot) >= 3, seconds=40, what="three renders")
    known = _succeeded(drill, shoot)

    page.reload()

    shown = page.locator("[data-render-id][data-state=succeeded]").count()
    assert known <= shown <= TAKES * len(photos)
    page.evaluate("window.sameDocument = true")
    _expect_all_done(page, TAKES * len(photos))


def test_a_failed_card_says_why_and_its_retry_is_made(
    drill: House, open_window: OpenWindow, photos: list[str], trouble: None
) -> None:
    window = open_window(drill)
    shoot = _order(drill, photos[:1])
    page = _open_sheet(window, shoot)
    failed = page.locator("[data-render-id][data-state=failed]")
    expect(failed.locator(".render-card__reason")).to_contain_text(
        "No product could be found in the photo."
    )
    expect(page.get_by_role("link", name=re.compile("Not made"))).to_be_visible()

    drill.trouble.unlink()
    failed.get_by_role("button", name="Retry").click()

    expect(page.locator("[data-render-id][data-state=succeeded]")).to_have_count(1)
    expect(failed).to_have_count(0)
    expect(page.get_by_role("link", name="Review 1", exact=True)).to_be_visible()
    assert page.evaluate("window.sameDocument"), "the page was loaded again"


def test_a_card_shows_the_unfinished_picture_until_the_finished_one_is_there(
    drill: House, open_window: OpenWindow, photos: list[str], trouble: None
) -> None:
    drill.trouble.write_text("paint")
    window = open_window(drill)
    shoot = _order(drill, photos[:1])
    page = _open_sheet(window, shoot)
    preview = page.get_by_role("img", name="preview of the unfinished picture")

    expect(preview).to_be_visible()
    expect(page.locator("[data-progress-label]")).to_have_text("Preview, step 1 of 4: paint")
    assert preview.evaluate("(picture) => picture.naturalWidth") == 16
    expect(page.locator(".render-card__source")).not_to_be_visible()

    drill.trouble.unlink()

    expect(page.locator("[data-render-id][data-state=succeeded]")).to_have_count(1)
    expect(preview).to_have_count(0)


def test_an_unapproved_render_has_no_download(
    drill: House, open_window: OpenWindow, photos: list[str]
) -> None:
    window = open_window(drill)
    window.expect_trouble("status of (403|404|409)")
    shoot = _order(drill, photos[:1])
    page = _open_sheet(window, shoot)
    card = page.locator("[data-render-id][data-state=succeeded]")
    expect(card).to_have_count(1)

    expect(page.get_by_text("Download")).to_have_count(0)
    render = card.get_attribute("data-render-id")
    refused = page.evaluate(
        "async (url) => (await fetch(url)).status",
        f"{drill.workspace}renders/{render}/shopify?download=1",
    )
    assert refused == 409

    card.get_by_role("checkbox").check()
    page.get_by_role("button", name=re.compile("Approve selected")).click()
    page.locator(".render-card__download summary").click()
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Shopify").click()
    assert downloading.value.suggested_filename.startswith("BOX-04")


def test_a_page_whose_session_ended_leads_to_the_sign_in(
    drill: House, open_window: OpenWindow, photos: list[str]
) -> None:
    window = open_window(drill)
    page = _open_sheet(window, _order(drill, photos[:1]))
    expect(page.locator("[data-render-id][data-state=succeeded]")).to_have_count(1)
    page.context.clear_cookies(name="sessionid")

    page.get_by_role("button", name="Select all to review").click()
    page.get_by_role("button", name=re.compile("Approve selected")).click()

    page.wait_for_url(re.compile(r"/accounts/login/\?next=/w/demo-shop/shoots/"))


def test_a_verdict_after_the_session_ended_leads_to_the_sign_in_and_back_to_the_render(
    drill: House, open_window: OpenWindow, photos: list[str]
) -> None:
    window = open_window(drill)
    shoot = _order(drill, photos[:2])
    page = _open_sheet(window, shoot)
    expect(page.locator("[data-render-id][data-state=succeeded]")).to_have_count(2)
    page.get_by_role("link", name="Review 2", exact=True).click()
    render = page.locator("[data-review-item]").get_attribute("data-review-item")
    # The page's socket may still be on its way when the session ends.
    window.expect_trouble("WebSocket.*response code: 403")
    page.context.clear_cookies(name="sessionid")

    page.keyboard.press("a")

    page.wait_for_url(re.compile(rf"/accounts/login/\?next=/w/demo-shop/review/{render}/"))
