"""A doubtful cutout is corrected in the browser, and its picture is made again with it."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import signal
from io import BytesIO

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from tests.e2e.conftest import House, OpenWindow, Window
from tests.e2e.test_accessibility import LOOKS, SIDEWAYS, WCAG
from tests.product import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

# How much of the canvas the shade covers, and what lies at a share of its size.
SHADED = """
([x, y]) => {
  const canvas = document.querySelector("[data-retouch-canvas]");
  const at = [Math.round(canvas.width * x), Math.round(canvas.height * y)];
  const [r, g, b] = canvas.getContext("2d").getImageData(...at, 1, 1).data;
  return r > 120 && g < 130 && b > 90 && r - g > 60;
}
"""


def two_boxes(seed: int) -> bytes:
    """A red box, and beside it a small blue one that an order might not want."""
    image = Image.new("RGB", (480, 480), "#eeeae4")
    draw = ImageDraw.Draw(image)
    draw.rectangle((120, 140, 270, 360), fill=(170, 40 + seed, 40))
    draw.rectangle((300, 240, 380, 360), fill=(40, 60 + seed, 150))
    data = BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


SEEDS = itertools.count()


@pytest.fixture
def photo(studio: House) -> str:
    """A photo nobody has corrected: each test has its own."""
    with studio.api() as api:
        return _upload(api, seed=next(SEEDS))


def _upload(api: httpx.Client, *, seed: int) -> str:
    answer = api.post("/uploads", files={"file": (f"TWO-{seed}_front.png", two_boxes(seed))})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def _window(open_window: OpenWindow, house: House, **how: int) -> Window:
    window: Window = open_window(house, **how)
    # These tests read the canvas; the product only draws on it.
    window.expect_trouble("willReadFrequently")
    return window


def _open(page: Page, house: House, photo: str) -> None:
    page.goto(f"{house.workspace}photos/{photo}/cutout/")
    page.locator("[data-retouch][data-state=ready]").wait_for(timeout=90_000)
    expect(page.locator("[data-retouch-keep]")).not_to_have_attribute("aria-disabled", "true")


def _is_shaded(page: Page, x: float, y: float) -> bool:
    """Whether a place of the photo is marked as backdrop; the photo is square and in the middle."""
    box = page.locator("[data-retouch-canvas]").bounding_box()
    assert box
    side = min(box["width"], box["height"]) - 24
    place = [
        ((box["width"] - side) / 2 + x * side) / box["width"],
        ((box["height"] - side) / 2 + y * side) / box["height"],
    ]
    return bool(page.evaluate(SHADED, place))


def _place(page: Page, x: float, y: float) -> tuple[float, float]:
    box = page.locator("[data-retouch-canvas]").bounding_box()
    assert box
    side = min(box["width"], box["height"]) - 24
    return (
        box["x"] + (box["width"] - side) / 2 + x * side,
        box["y"] + (box["height"] - side) / 2 + y * side,
    )


def _becomes(page: Page, x: float, y: float, *, shaded: bool) -> None:
    page.mouse.move(1, 1)
    until(
        lambda: _is_shaded(page, x, y) == shaded or page.wait_for_timeout(50),
        seconds=60,
        what=f"{x}, {y} {'shaded' if shaded else 'clear'}",
    )


def _drag(page: Page, *places: tuple[float, float]) -> None:
    page.mouse.move(*_place(page, *places[0]))
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*_place(page, *place), steps=8)
    page.mouse.up()


BLUE, RED, PAPER = (0.708, 0.6), (0.4, 0.5), (0.1, 0.1)
BLUE_STROKE = ((0.65, 0.56), (0.76, 0.56), (0.76, 0.7), (0.65, 0.7))


def test_a_stroke_is_seen_at_once_undone_kept_and_used(
    studio: House, open_window: OpenWindow, photo: str
) -> None:
    page = _window(open_window, studio).page
    with studio.api() as api:
        order = {"photos": [photo], "scene_template": "packshot-white"}
        shoot = api.post("/shoots", json={**order, "sales_channels": ["shopify"]}).json()["id"]
        until(
            lambda: api.get(f"/shoots/{shoot}").json()["counts"]["succeeded"] == 1,
            seconds=180,
            what="the first render",
            every=0.3,
        )
    _open(page, studio, photo)
    _becomes(page, *PAPER, shaded=True)
    assert not _is_shaded(page, *BLUE)

    page.get_by_role("button", name="Remove").click()
    _drag(page, *BLUE_STROKE)
    _becomes(page, *BLUE, shaded=True)
    assert not _is_shaded(page, *RED)
    page.keyboard.press("Control+z")
    _becomes(page, *BLUE, shaded=False)
    page.keyboard.press("Control+Shift+z")
    _becomes(page, *BLUE, shaded=True)

    page.get_by_role("button", name="Keep this cutout").click()
    page.wait_for_url(re.compile(r"/cutout/kept$"), timeout=90_000)
    expect(page.get_by_text("Made with the old cutout")).to_be_visible()
    page.get_by_role("button", name="Render again with this cutout").click()
    page.wait_for_url(re.compile(r"/shoots/sho_"))
    expect(page.get_by_text("person/1")).to_be_visible(timeout=120_000)
    expect(page.locator("[data-render-id]")).to_have_count(1)

    render = studio.product.rows(
        f"SELECT engine, confidence FROM studio_render WHERE shoot_id = '{shoot}' "
        "ORDER BY queued_at DESC LIMIT 1"
    )
    assert render == [("person/1", 1.0)]
    assert _finished_width(studio, shoot) < 0.85


def _finished_width(house: House, shoot: str) -> float:
    """Width over height of what the last render shows: without the blue box it is upright."""
    row = house.product.rows(
        f"SELECT files FROM studio_render WHERE shoot_id = '{shoot}' "
        "ORDER BY queued_at DESC LIMIT 1"
    )[0][0]
    key = next(f["object_key"] for f in json.loads(row) if f["name"] == "cutout")
    with Image.open(house.product.var / "media" / key) as cutout:
        left, top, right, bottom = cutout.getchannel("A").point(lambda a: 255 * (a > 127)).getbbox()
    return (right - left) / (bottom - top)


def test_a_cutout_is_corrected_without_a_mouse(
    studio: House, open_window: OpenWindow, photo: str
) -> None:
    page = _window(open_window, studio).page
    _open(page, studio, photo)
    status = page.locator("[data-retouch-status]")

    page.locator("[data-retouch-canvas]").focus()
    page.keyboard.press("r")
    for key, times in (("ArrowRight", 8), ("ArrowDown", 4)):
        for _ in range(times):
            page.keyboard.press(key)
    page.keyboard.press("Space")
    expect(status).to_contain_text("Brush down")
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowDown", "ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
    page.keyboard.press("Space")
    expect(status).to_contain_text("of the photo is product")
    _becomes(page, *BLUE, shaded=True)
    assert not _is_shaded(page, *RED)

    page.locator("[data-retouch-keep]").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/cutout/kept$"), timeout=90_000)
    expect(page.get_by_role("heading", name="is kept")).to_be_visible()


def test_an_outline_is_drawn_by_corners(studio: House, open_window: OpenWindow, photo: str) -> None:
    page = _window(open_window, studio).page
    _open(page, studio, photo)

    page.keyboard.press("o")
    for corner in ((0.23, 0.27), (0.585, 0.27), (0.585, 0.77), (0.23, 0.77)):
        page.mouse.click(*_place(page, *corner))
    page.get_by_role("button", name="Close the outline").click()

    _becomes(page, *BLUE, shaded=True)
    assert not _is_shaded(page, *RED)


def test_wheel_and_space_move_the_photo_and_draw_nothing(
    studio: House, open_window: OpenWindow, photo: str
) -> None:
    page = _window(open_window, studio).page
    _open(page, studio, photo)

    page.mouse.move(*_place(page, *RED))
    page.mouse.wheel(0, -500)
    _becomes(page, 0.3, 0.5, shaded=False)
    assert not _is_shaded(page, 0.2, 0.5)
    page.mouse.move(*_place(page, 0.5, 0.5))
    page.keyboard.down("Space")
    page.mouse.down()
    page.mouse.move(*_place(page, 0.95, 0.5), steps=6)
    page.mouse.up()
    page.keyboard.up("Space")
    _becomes(page, 0.2, 0.5, shaded=True)

    page.keyboard.press("0")
    _becomes(page, *RED, shaded=False)
    _becomes(page, *PAPER, shaded=True)
    expect(page.locator("[data-retouch-undo]")).to_have_attribute("aria-disabled", "true")


def test_fingers_draw_and_two_of_them_move_the_photo(
    studio: House, open_window: OpenWindow, photo: str
) -> None:
    page = _window(open_window, studio, width=390).page
    _open(page, studio, photo)
    touch = page.context.new_cdp_session(page)

    def send(kind: str, *points: tuple[float, float]) -> None:
        named = [{"x": x, "y": y, "id": place} for place, (x, y) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": named})

    page.get_by_role("button", name="Remove").click()
    page.locator("[data-retouch-canvas]").scroll_into_view_if_needed()
    send("touchStart", _place(page, *BLUE_STROKE[0]))
    for place in BLUE_STROKE[1:]:
        send("touchMove", _place(page, *place))
    send("touchEnd")
    _becomes(page, *BLUE, shaded=True)

    a, b = _place(page, 0.4, 0.5), _place(page, 0.6, 0.5)
    send("touchStart", a, b)
    for way in range(1, 6):
        send("touchMove", (a[0] - 12 * way, a[1]), (b[0] + 12 * way, b[1]))
    send("touchEnd")
    # Where paper was at the left is now the red box: larger, and nothing was drawn.
    _becomes(page, 0.05, 0.5, shaded=False)
    page.get_by_role("button", name="Show the whole photo").click()
    _becomes(page, 0.05, 0.5, shaded=True)
    page.keyboard.press("Control+z")
    _becomes(page, *BLUE, shaded=False)
    expect(page.locator("[data-retouch-undo]")).to_have_attribute("aria-disabled", "true")


def test_a_retouch_process_that_is_gone_is_said_and_comes_back(
    studio: House, open_window: OpenWindow, photo: str
) -> None:
    window = _window(open_window, studio)
    window.expect_trouble("status of 503")
    page = window.page
    _open(page, studio, photo)
    first = studio.product.state["pids"]["retouch"]
    os.kill(first, signal.SIGSTOP)
    page.get_by_role("button", name="Remove").click()
    _drag(page, *BLUE_STROKE)
    status = page.locator("[data-retouch-status]")
    expect(status).to_contain_text("Your strokes are still here", timeout=60_000)
    expect(page.locator("[data-retouch-keep]")).to_have_attribute("aria-disabled", "true")
    os.kill(first, signal.SIGKILL)
    until(
        lambda: studio.product.state["pids"].get("retouch") not in (None, first),
        seconds=20,
        what="a new retouch process",
    )

    again = page.get_by_role("button", name="Try again")
    again.click()

    def comes_back() -> bool:
        # A machine with much to do needs longer than one patience to start it. The button goes
        # as soon as an earlier press is answered, which may be between the look and the press.
        if again.is_visible():
            with contextlib.suppress(PlaywrightTimeoutError):
                again.click(timeout=1_000)
        page.wait_for_timeout(500)
        return _is_shaded(page, *BLUE)

    page.mouse.move(1, 1)
    until(comes_back, seconds=120, what="the edge of the strokes that were kept")


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_the_page_is_accessible_and_fits(
    studio: House, open_window: OpenWindow, photo: str, scheme: str, width: int
) -> None:
    page = open_window(studio, scheme=scheme, width=width).page
    _open(page, studio, photo)
    page.wait_for_load_state("networkidle")

    def wrong() -> list[str]:
        found = [str(names) for names in page.evaluate(SIDEWAYS)]
        for violation in Axe().run(page, options=WCAG).response["violations"]:
            if violation["impact"] in {"serious", "critical"}:
                targets = [node["target"] for node in violation["nodes"][:3]]
                found.append(f"{violation['id']}: {targets}")
        return found

    assert not wrong()
    page.get_by_role("button", name="Keys and gestures").click()
    expect(page.locator("dialog[open]")).to_be_visible()
    assert not wrong()
