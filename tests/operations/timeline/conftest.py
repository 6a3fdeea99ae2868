"""A real headless browser for the pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.given.browser import Visit, Visited

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = os.environ.get("CHROME_BIN") or next(filter(None, map(shutil.which, PROGRAMS)), None)
    if not program:
        pytest.skip("no chromium or google-chrome on PATH; install one, or name it in CHROME_BIN")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Iterator[Visit]:
    """Opens an HTML text at a width in CSS px, offline; a tall window, so that nothing needs scrolling."""
    contexts = []

    def opened(html: str, *, width: int = 1280, dark: bool = False) -> Visited:
        path = tmp_path / "page.html"
        path.write_text(html, encoding="utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": 12_000}, color_scheme="dark" if dark else "light", offline=True
        )
        contexts.append(context)
        visited = Visited(context.new_page())
        visited.page.goto(path.as_uri())
        return visited

    yield opened
    for context in contexts:
        context.close()
