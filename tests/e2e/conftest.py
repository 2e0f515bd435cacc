"""A real browser against a real server: the system's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil

import pytest
from playwright.sync_api import sync_playwright

# Playwright's synchronous interface runs an event loop in this thread, which Django takes for an asynchronous
# context; nothing here is.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def browser():
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, live_server, settings, tmp_path):
    """A function that opens pages in a browser of its own; at the end, the test fails on anything in its console.

    The policy's reports are console errors, too.
    """
    settings.ARTIFACT_DIR = tmp_path / "artifacts"
    # Inside: this file is read before Django is set up.
    from leaderboard.standings import presence
    from leaderboard.views import caching

    caching.shelf.clear()
    presence.forget()
    complaints: list[str] = []
    contexts = []

    def open_page(path="/", **options):
        context = browser.new_context(base_url=live_server.url, accept_downloads=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)  # generous: the machine may be busy
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on(
            "console",
            lambda line: complaints.append(f"{page.url}: {line.text}") if line.type in ("error", "warning") else None,
        )
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
