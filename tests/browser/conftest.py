"""A real browser: Chromium as the system installs it, a fresh profile for every test, and no fault in its console."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from django.core.cache import cache
from playwright.sync_api import ConsoleMessage, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = [
    "--headless",
    "--no-sandbox",  # Chromium refuses to run as root with it
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

OpenBrowser = Callable[..., AbstractContextManager[Page]]


@pytest.fixture
def open_browser(live_server: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenBrowser]:
    """Give a function that opens a browser on the live server: `with open_browser(width=360) as page:`.

    Whatever the browser's console calls an error, and every answer from 400 up, fails the test.
    """
    if CHROMIUM is None:
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail("REQUIRE_BROWSER is set and no Chromium is installed")
        pytest.skip("no Chromium is installed")
    cache.clear()  # allauth counts attempts there: each test is a first day
    # Playwright's synchronous interface runs an event loop in this thread, where the tests then use the database.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    faults: list[str] = []

    @contextmanager
    def opened(*, width: int = 1280, dark: bool = False, scripts: bool = True) -> Iterator[Page]:
        with sync_playwright() as playwright:
            context = playwright.chromium.launch_persistent_context(
                tmp_path / f"profile-{width}-{dark}",
                executable_path=CHROMIUM,
                args=ARGUMENTS,
                base_url=live_server.url,
                viewport={"width": width, "height": 800},
                color_scheme="dark" if dark else "light",
                java_script_enabled=scripts,
            )
            context.set_default_timeout(20_000)
            page = context.pages[0]
            page.on("console", lambda message: _note(faults, message))
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on(
                "response",
                lambda answer: faults.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None,
            )
            try:
                yield page
            finally:
                context.close()

    yield opened
    assert faults == []


def _note(faults: list[str], message: ConsoleMessage) -> None:
    # htmx logs a request that leaving the page breaks off; a server that fails is seen by its answer.
    broken_off = message.text.startswith(("htmx:afterRequest", "htmx:sendError", "htmx:sendAbort"))
    if message.type in {"error", "warning"} and not broken_off:
        faults.append(f"{message.type}: {message.text}")
