"""A person before a real browser: the system's Chromium, headless, driven by Playwright."""

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Playwright, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP, PHONE = (1280, 900), (360, 740)
SECONDS = 15.0
# Rules of WCAG 2.2 A and AA, of which one is that text has a contrast of 4.5:1, and what axe holds good practice.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass(frozen=True, slots=True)
class Visitor:
    """One tab of a browser that has never been here. `complaints` is what its console said that is no mere information:
    errors of scripts, what the page's policy refused, and answers of 400 or more."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    @property
    def main(self) -> Locator:
        """What the page is about."""
        return self.page.locator("main")

    def button(self, name: str) -> Locator:
        """The button that is called so."""
        return self.page.get_by_role("button", name=name, exact=True)

    def heading(self, name: str) -> Locator:
        """The heading that says so."""
        return self.page.get_by_role("heading", name=name, exact=True)

    async def focused(self) -> str:
        """What has the keyboard, by its text."""
        return str(await self.page.evaluate("document.activeElement.textContent"))

    async def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(await self.page.evaluate("document.documentElement.scrollWidth - innerWidth"))

    async def barriers(self) -> list[str]:
        """What axe-core finds to be in the way of people, or cannot judge, as the page is now; not in its hidden parts,
        nor in the drawn badge, which nobody has to read."""
        options = {"runOnly": {"type": "tag", "values": RULES}}
        found = await Axe().run(self.page, context={"exclude": [".badge svg"]}, options=options)
        return [
            f"{rule['id']}: {node['html']} {node.get('failureSummary')}"
            for rule in [*found.response["violations"], *found.response["incomplete"]]
            for node in rule["nodes"]
        ]

    def hear(self, message: ConsoleMessage) -> None:
        """Keep a complaint."""
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)


def executable() -> str:
    """The system's browser. Raises RuntimeError where there is none."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise RuntimeError("no Chromium: the browser tests need one of " + ", ".join(NAMES))
    return found


class Visitors:
    """Opens tabs, each in a profile of its own."""

    def __init__(self, playwright: Playwright, browser: Browser) -> None:
        self._playwright, self._browser = playwright, browser

    async def __call__(
        self,
        language: str = "en-GB",
        size: tuple[int, int] = DESKTOP,
        scheme: Literal["light", "dark"] = "light",
        **more: Any,
    ) -> Visitor:
        """Somebody whose browser is set to a language, and who has not been here before."""
        context = await self._browser.new_context(
            locale=language,
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            ignore_https_errors=True,  # pictures come from a host with a certificate that it made itself
            reduced_motion="reduce",
            **more,
        )
        return await _visitor(context)

    @asynccontextmanager
    async def lenient(self, profile: Path) -> AsyncIterator[Visitor]:
        """Somebody whose browser sends cookies to third parties, as not all browsers have stopped doing."""
        (profile / "Default").mkdir(parents=True)
        (profile / "Default/Preferences").write_text(json.dumps({"profile": {"cookie_controls_mode": 0}}))
        context = await self._playwright.chromium.launch_persistent_context(
            profile, executable_path=executable(), args=list(FLAGS), locale="en-GB", ignore_https_errors=True
        )
        try:
            yield await _visitor(context)
        finally:
            await context.close()


async def _visitor(context: BrowserContext) -> Visitor:
    context.set_default_timeout(SECONDS * 1000)
    visitor = Visitor(await context.new_page())
    visitor.page.on("console", lambda message: visitor.hear(message))
    visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
    return visitor


@asynccontextmanager
async def browsing() -> AsyncIterator[Visitors]:
    """A browser with a fresh profile, until the block ends."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable(), args=list(FLAGS))
        try:
            yield Visitors(playwright, browser)
        finally:
            await browser.close()
