"""The running product and a real browser in front of it.

Two products: ``studio`` makes real pictures, ``drill`` renders in a stated time without making
any, for tests in which the pictures do not matter. Every window listens to its console: a test
fails at its end if a page reported an error that the test did not expect.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from tests.product import Product, running

PATIENCE_MS = 20_000
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# What the console says about a socket or a request whose server went away.
SERVER_AWAY = (
    r"net::ERR_(CONNECTION|EMPTY|CONTENT_LENGTH|INCOMPLETE)"
    r"|WebSocket (connection|is closed)|htmx:\w+"
)


@dataclass
class House:
    """A running product, and who is signed in to its demo workspace."""

    product: Product
    trouble: Path
    signed_in: dict[str, Any] = field(default_factory=dict)

    @property
    def workspace(self) -> str:
        """The address of the demo workspace, with a slash at its end."""
        return f"{self.product.url}/w/demo-shop/"

    def api(self) -> Any:
        return self.product.api()


@dataclass
class Window:
    """One tab and what went wrong in it."""

    page: Page
    house: House
    troubles: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def expect_trouble(self, pattern: str) -> None:
        """Let the console say this without failing the test."""
        self.expected.append(pattern)

    def unexpected(self) -> list[str]:
        return [
            trouble
            for trouble in self.troubles
            if not any(re.search(pattern, trouble) for pattern in self.expected)
        ]

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.troubles.append(f"{self.page.url}: {message.text}")

    def listen(self) -> None:
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.troubles.append(f"{self.page.url}: {error}"))


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's program; tests without one skip and say so."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    pytest.skip("no chromium on the path; on Debian: apt install chromium")


# Not for the session: Playwright's event loop must not outlive the browser tests.
@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def studio(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The product with its real engine."""
    with running(tmp_path_factory.mktemp("studio")) as product:
        yield House(product, product.var / "unused")


@pytest.fixture(scope="session")
def drill(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The product with a renderer that takes a stated time, and fails when it is told to."""
    var = tmp_path_factory.mktemp("drill")
    with running(
        var,
        PACKSHOT_WORKER_RENDERER="tests.fakes.troubled.render",
        PACKSHOT_CALIBRATED_SECONDS="0.4",
        PACKSHOT_TROUBLE_FILE=str(var / "trouble"),
    ) as product:
        yield House(product, var / "trouble")


OpenWindow = Callable[..., Window]


@pytest.fixture
def open_window(browser: Browser) -> Iterator[OpenWindow]:
    """Open tabs, each a person's own browser; close them and ask their consoles at the end."""
    contexts: list[BrowserContext] = []
    windows: list[Window] = []

    def _open(
        house: House,
        *,
        signed_in: bool = True,
        scheme: str = "light",
        width: int = 1280,
        prepare: Callable[[BrowserContext], None] | None = None,
    ) -> Window:
        if signed_in and not house.signed_in:
            house.signed_in.update(_sign_in(browser, house))
        context = browser.new_context(
            viewport={"width": width, "height": 900 if width > 800 else 844},
            color_scheme=scheme,
            reduced_motion="reduce",
            storage_state=dict(house.signed_in) if signed_in else None,
            accept_downloads=True,
        )
        context.set_default_timeout(PATIENCE_MS)
        if prepare:
            prepare(context)
        contexts.append(context)
        window = Window(context.new_page(), house)
        window.listen()
        windows.append(window)
        return window

    yield _open
    for context in contexts:
        context.close()
    troubles = [trouble for window in windows for trouble in window.unexpected()]
    assert not troubles, "the console says:\n" + "\n".join(troubles)


def _sign_in(browser: Browser, house: House) -> dict[str, Any]:
    """Use the link that ``up`` prints; it works once."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(house.product.state["login_url"])
    page.wait_for_url(house.workspace)
    state = dict(context.storage_state())
    context.close()
    return state
