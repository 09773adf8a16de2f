"""A browser that opens pages of ours as a reader does: from a file, without a network, with a silent console."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

PageOf = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium, started once."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("pages are opened in Chromium, and none is here: apt-get install chromium")
    with sync_playwright() as player:
        started = player.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page_of(browser: Browser, tmp_path: Path) -> Iterator[PageOf]:
    """`page_of(html, width=1400, height=900, scheme="light")`: the opened page.

    Whatever it writes to its console, an error of its script, and every address that it asks for beside its own fail
    the test in the end.
    """
    faults: list[str] = []
    opened = []

    def page_of(html: str, width: int = 1400, height: int = 900, scheme: str = "light") -> Page:
        place = tmp_path / f"page_{len(opened)}.html"
        place.write_text(html, encoding="utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, offline=True, accept_downloads=True
        )
        opened.append(context)
        page = context.new_page()
        page.on("console", lambda said: faults.append(f"console {said.type}: {said.text}"))
        page.on("pageerror", lambda fault: faults.append(f"error: {fault}"))
        page.on("request", lambda asked: _note(asked.url, place, faults))
        page.goto(place.as_uri())
        return page

    yield page_of
    for context in opened:
        context.close()
    assert faults == []


def _note(url: str, own: Path, faults: list[str]) -> None:
    """Keep an address that is neither the page itself nor made by it."""
    if url.split("#")[0] != own.as_uri() and not url.startswith("blob:"):
        faults.append(f"asked for {url}")
