"""Takes `docs/report.png`, the picture in the README: the top of the report of samples/reviews.csv after `prepare`.

    python docs/picture.py

It needs what the tests of the page need: Playwright, and Debian's Chromium.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from dsprep import api

ROOT = Path(__file__).resolve().parent.parent
WIDTH, HEIGHT = 1200, 1240


def main() -> None:
    """Prepare the sample, open the report, take the picture."""
    browser_path = shutil.which("chromium")
    if browser_path is None:
        raise SystemExit("no chromium on PATH: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(ROOT / "samples")
        api.prepare("reviews.csv", Path(folder) / "prepared")
        report = Path(folder) / "prepared" / "report.html"
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
            page.goto(report.as_uri())
            page.screenshot(path=ROOT / "docs" / "report.png")
            browser.close()


if __name__ == "__main__":
    main()
