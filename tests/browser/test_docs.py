"""`/docs` of every service, in a browser that reaches no other host."""

from urllib.parse import urlsplit

import pytest
from playwright.async_api import Request, expect

from tests.browser.visitor import Visitors
from tests.fixtures.stack import Stack


@pytest.mark.parametrize("service", ["issuer", "registry", "verifier", "notifier"])
async def test_the_page_shows_what_the_service_offers(running: Stack, visitors: Visitors, service: str) -> None:
    visitor = await visitors("en-GB")
    asked: list[str] = []

    def hear(request: Request) -> None:
        asked.append(request.url)

    visitor.page.on("request", hear)
    await visitor.page.goto(f"{running[service].url}/docs")
    operations = visitor.page.locator(".opblock")
    await expect(operations.first).to_be_visible()
    assert await operations.count() > 1
    await operations.first.locator(".opblock-summary-control").click()
    await expect(visitor.page.get_by_role("button", name="Try it out")).to_be_visible()
    here = urlsplit(running[service].url).netloc
    assert {urlsplit(url).netloc for url in asked if not url.startswith("data:")} == {here}
    assert visitor.complaints == []
