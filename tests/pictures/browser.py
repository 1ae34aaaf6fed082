"""A real browser, if there is one: a page as it is after its scripts have run."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000")


def dom(page: Path, *options: str) -> str:
    """The document of a page in Chromium; skips the test where there is none.

    Args:
        options: of the browser, besides those that every page needs.
    """
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("needs Chromium on PATH (Debian: apt install chromium)")
    folder = page.parent / "chromium"
    done = subprocess.run(
        [program, *OPTIONS, *options, f"--user-data-dir={folder}", "--dump-dom", page.as_uri()],
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    return done.stdout
