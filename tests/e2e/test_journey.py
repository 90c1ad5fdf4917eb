"""A new person's first hour, in a browser: from photos to an archive of approved pictures."""

from __future__ import annotations

import base64
import json
import re
import zipfile
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import House, OpenWindow
from tests.product import picture

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

EMAIL = "nora@lindlamps.example"
PASSWORD = "six-lamps-and-a-teapot"
PHOTOS = 5
# Kept by the page itself, so that states that last a moment are seen too.
RECORD_UPLOADS = """
window.uploads = {};
new MutationObserver(() => {
  for (const row of document.querySelectorAll("[data-upload-rows] .upload-row")) {
    const seen = window.uploads[row.querySelector("[data-row-name]").textContent] ??= [];
    if (seen.at(-1) !== row.dataset.state) seen.push(row.dataset.state);
  }
}).observe(document.querySelector("[data-upload-rows]"),
           {subtree: true, childList: true, attributes: true});
"""
RECORD_CARDS = """
window.cards = {};
new MutationObserver(() => {
  for (const card of document.querySelectorAll("[data-render-id]")) {
    const seen = window.cards[card.dataset.renderId]
      ??= {states: [], steps: [], shares: [], queued: []};
    if (seen.states.at(-1) !== card.dataset.state) seen.states.push(card.dataset.state);
    const step = card.querySelector("[data-progress-label]")?.textContent;
    if (step && seen.steps.at(-1) !== step) seen.steps.push(step);
    const share = card.querySelector("[data-progress-bar][value]")?.value;
    if (share !== undefined && seen.shares.at(-1) !== share) seen.shares.push(share);
    const place = card.querySelector("[data-standing]")?.textContent.trim();
    if (place && seen.queued.at(-1) !== place) seen.queued.push(place);
  }
}).observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
"""
HAND_OVER = """
([kind, files]) => {
  const transfer = new DataTransfer();
  for (const [name, body] of files) {
    const bytes = Uint8Array.from(atob(body), (sign) => sign.charCodeAt(0));
    transfer.items.add(new File([bytes], name, {type: "image/png"}));
  }
  const event = kind === "paste"
    ? new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true, cancelable: true})
    : new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true});
  document.querySelector("main").dispatchEvent(event);
}
"""


def _file(name: str, body: bytes) -> dict[str, Any]:
    return {"name": name, "mimeType": "image/png", "buffer": body}


def _hand_over(page: Page, kind: str, files: dict[str, bytes]) -> None:
    """Drop or paste files onto the page."""
    packed = [[name, base64.b64encode(body).decode()] for name, body in files.items()]
    page.evaluate(HAND_OVER, [kind, packed])


def _blank() -> bytes:
    data = BytesIO()
    Image.new("RGB", (400, 400), "#e6e6e6").save(data, "PNG")
    return data.getvalue()


def _upload_row(page: Page, name: str) -> Locator:
    return page.locator(".upload-row").filter(has_text=name)


def _sign_up(page: Page, house: House) -> None:
    page.goto(f"{house.product.url}/accounts/signup/")
    page.get_by_label("Your name").fill("Nora Lind")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Workspace").fill("Lind Lamps")
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url(re.compile(r"/w/lind-lamps/$"))
    expect(page.get_by_text("0 of 4 done")).to_be_visible()


def _upload_photos(page: Page) -> None:
    page.get_by_role("link", name="Add photos").first.click()
    expect(page.get_by_role("heading", name="Add your product photos")).to_be_visible()
    page.wait_for_load_state("load")
    page.evaluate(RECORD_UPLOADS)
    broken = picture(90)[:400]
    files = [_file(f"LAMP-{n}_front.png", picture(n, side_px=480)) for n in range(1, PHOTOS)]
    with page.expect_file_chooser() as choosing:
        page.get_by_role("button", name="Choose photos").click()
    choosing.value.set_files([files[0], _file("LAMP-9_front.png", broken), *files[1:]])

    _hand_over(page, "dragover", {"EMPTY-1.png": _blank()})
    expect(page.locator("[data-upload][data-state=over]")).to_be_visible()
    _hand_over(page, "drop", {"EMPTY-1.png": _blank()})

    expect(page.locator("[data-upload-summary]")).to_have_text(
        f"{PHOTOS} of {PHOTOS + 1} photos uploaded, 1 not used"
    )
    refused = _upload_row(page, "LAMP-9_front.png")
    expect(refused).to_have_attribute("data-state", "refused")
    expect(refused.locator("[data-row-text]")).to_contain_text(re.compile("damaged|cut off"))
    expect(_upload_row(page, "LAMP-1_front.png")).to_contain_text("Added to LAMP-1")
    histories = page.evaluate("window.uploads")
    for file in files:
        assert "sending" in histories[file["name"]]
        assert histories[file["name"]][-1] == "accepted"
    # Three go up at a time; the others wait in rows of their own.
    assert any(history[0] == "waiting" for history in histories.values())
    expect(page.get_by_role("link", name="LAMP-4", exact=True)).to_be_visible()


def _order(page: Page) -> None:
    page.get_by_role("link", name=re.compile("New shoot")).first.click()
    page.wait_for_url(re.compile("/shoots/new"))
    # Every change asks for a quote; one on its way when the order goes out would be aborted, and
    # the console would say so.
    page.get_by_role("textbox", name="Name").fill("First lamps")
    page.get_by_label(re.compile(r"All \d+ photos")).check()
    page.get_by_label("Amazon main image").check()
    quote = page.locator("#quote")
    expect(quote.get_by_role("button", name=f"Order {PHOTOS} renders")).to_be_enabled()
    expect(quote).to_contain_text(re.compile(rf"Credits\s*{PHOTOS} of"))
    expect(quote).to_contain_text("Expected finish")
    # A quote under way would be cut off by the page that the order leads to.
    page.wait_for_load_state("networkidle")
    quote.get_by_role("button", name=f"Order {PHOTOS} renders").click()
    page.wait_for_url(re.compile("/shoots/sho_"))
    expect(page.get_by_role("heading", name="First lamps")).to_be_visible()


def _watch(page: Page) -> None:
    page.evaluate("window.sameDocument = true")
    expect(page.get_by_text(f"All {PHOTOS} done")).to_be_visible(timeout=90_000)
    assert page.evaluate("window.sameDocument"), "the page was loaded again"
    histories = page.evaluate("Object.values(window.cards)")
    assert len(histories) == PHOTOS
    assert {tuple(history["states"])[-1] for history in histories} == {"succeeded", "failed"}
    assert any(
        history["states"] == ["queued", "rendering", "succeeded"]
        and history["queued"]
        and len(history["shares"]) > 1
        and history["shares"] == sorted(history["shares"])
        and any(re.match(r"Step \d+ of \d+: \w", step) for step in history["steps"])
        for history in histories
    ), histories
    failed = page.locator("[data-render-id][data-state=failed]")
    expect(failed).to_have_count(1)
    expect(failed).to_contain_text("EMPTY-1")
    expect(failed.locator(".render-card__reason")).to_contain_text(re.compile("product"))
    expect(failed.get_by_role("button", name="Retry")).to_be_visible()


def _title(page: Page) -> str:
    return page.locator("[data-review-item]").get_attribute("data-title") or ""


def _review_by_keyboard(page: Page) -> dict[str, str]:
    """Approve one, reject one, approve one and take that back; return what became of whom."""
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url(re.compile("/review/"))
    item = page.locator("[data-review-item]")
    first = _title(page)
    page.keyboard.press("a")
    expect(item).not_to_have_attribute("data-title", first)
    expect(page.get_by_text(f"Approved: {first}")).to_be_visible()

    second = _title(page)
    page.keyboard.press("r")
    expect(page.get_by_role("heading", name="Why reject?")).to_be_visible()
    page.keyboard.press("1")
    expect(item).not_to_have_attribute("data-title", second)
    expect(page.get_by_text(f"Rejected: {second}")).to_be_visible()

    third = _title(page)
    page.keyboard.press("a")
    expect(item).not_to_have_attribute("data-title", third)
    expect(page.get_by_text(f"Approved: {third}")).to_be_visible()
    page.keyboard.press("u")
    expect(item).to_have_attribute("data-title", third)
    expect(item).to_have_attribute("data-state", "pending")
    page.keyboard.press("ArrowRight")
    expect(item).not_to_have_attribute("data-title", third)
    page.keyboard.press("ArrowLeft")
    expect(item).to_have_attribute("data-title", third)
    return {"approved": first, "rejected": second}


def _bulk_approve(page: Page, shoot_url: str) -> None:
    page.goto(shoot_url)
    page.get_by_role("button", name="Select all to review").click()
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.get_by_role("button", name=re.compile("Approve selected")).click()
    expect(page.get_by_text("2 renders approved.")).to_be_visible()
    expect(page.get_by_role("button", name="Download 3 approved")).to_be_visible()


def _download(page: Page) -> zipfile.ZipFile:
    page.get_by_role("button", name="Download 3 approved").click()
    page.wait_for_url(re.compile("/exports/"))
    link = page.get_by_role("link", name="Download", exact=True)
    expect(link).to_be_visible(timeout=30_000)
    with page.expect_download() as downloading:
        link.click()
    assert re.fullmatch(r"packshot-\d{8}-\d{4}\.zip", downloading.value.suggested_filename)
    return zipfile.ZipFile(downloading.value.path())


def test_a_new_person_goes_from_photos_to_an_archive_of_approved_pictures(
    studio: House, open_window: OpenWindow
) -> None:
    window = open_window(studio, signed_in=False)
    # A refused photo is answered with 422, which Chromium writes into the console.
    window.expect_trouble("status of 422")
    window.page.add_init_script(f"if (location.pathname.includes('/sho_')) {{ {RECORD_CARDS} }}")
    page = window.page

    _sign_up(page, studio)
    _upload_photos(page)
    _order(page)
    shoot_url = page.url
    _watch(page)
    verdicts = _review_by_keyboard(page)
    _bulk_approve(page, shoot_url)
    archive = _download(page)

    manifest = json.loads(archive.read("manifest.json"))
    assert set(archive.namelist()) == {"manifest.json"} | {f["file"] for f in manifest["files"]}
    skus = {entry["sku"] for entry in manifest["files"]}
    assert len(skus) == 3
    assert verdicts["approved"].split()[0] in skus
    assert verdicts["rejected"].split()[0] not in skus
    assert {entry["approved_by"] for entry in manifest["files"]} == {EMAIL}
    for entry in manifest["files"]:
        assert re.fullmatch(
            rf"{entry['sku']}_front_(shopify|amazon-main)_\d+x\d+\.jpg", entry["file"]
        )
        with Image.open(BytesIO(archive.read(entry["file"]))) as image:
            assert image.size == (entry["width_px"], entry["height_px"])
