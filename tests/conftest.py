"""One thread: the networks of the tests are so small that two would spend their time waiting for each other.

And Debian's Chromium, where there is one.
"""

import os
import shutil

import pytest
import torch

torch.set_num_threads(1)

CHROMIUM = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync"


@pytest.fixture(scope="session")
def chromium():
    """A browser; without one the tests are skipped, but on CI they fail."""
    path = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if not path:
        missing = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        missing("needs playwright (pip install -e '.[dev]') and Debian's Chromium (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*CHROMIUM.split(), "--no-first-run"])
        yield browser
        browser.close()
