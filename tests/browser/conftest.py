"""A browser for the tests of what people open: Debian's Chromium, driven by Playwright, with no way to any network."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from tabs import Open, Tab

# The reports made by hand that the tests of the other formats use.
sys.path.insert(0, str(Path(__file__).parent.parent / "reports"))

HOW_TO_GET_IT = (
    "no browser for the tests of the HTML report: install Debian's package `chromium` (`apt-get install chromium`), "
    "which .ci/packages lists, or put another Chromium on PATH as `chromium`"
)
#: Chromium would otherwise look for updates and the like, in vain.
_QUIET = ("--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the tests of a module, and no longer: with it, no other test could run a loop of asyncio."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(HOW_TO_GET_IT)
        pytest.skip(HOW_TO_GET_IT)
    # In a container its own sandbox cannot be set up; the pages are ours.
    alone = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*_QUIET, *alone])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens a page, given its text, in a context with the given options (`color_scheme`, `java_script_enabled` …)."""
    contexts: list[BrowserContext] = []

    def open_page(text: str, *, width: int = 1200, height: int = 900, fragment: str = "", **options: Any) -> Tab:
        file = tmp_path / f"report-{len(contexts)}.html"
        file.write_text(text, "utf-8")
        context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce", **options)
        contexts.append(context)
        tab = Tab(context.new_page(), file.as_uri())
        tab.page.goto(file.as_uri() + fragment)
        return tab

    yield open_page
    for context in contexts:
        context.close()
