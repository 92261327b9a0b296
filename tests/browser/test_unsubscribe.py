"""The page behind the link that ends letters, as whoever reads them uses it: ends them, and has them again."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from playwright.async_api import expect

from tests.browser.visitor import PHONE, Visitors
from tests.fixtures.mail_server import MailServer, run_server
from tests.fixtures.services import Stacks
from tests.integration.lone_notifier import LoneNotifier
from tests.integration.mail_learner import Learner, join, mailing_notifier


@pytest.fixture(scope="module")
def server() -> Iterator[MailServer]:
    yield from run_server(MailServer())


@pytest.fixture(scope="module")
def notifier(stacks: Stacks, server: MailServer) -> Iterator[LoneNotifier]:
    with mailing_notifier(stacks, "embedded", server) as made:
        yield made


@pytest.fixture
async def zoe(notifier: LoneNotifier, server: MailServer) -> AsyncIterator[Learner]:
    async with httpx.AsyncClient(base_url=notifier.url, timeout=30, trust_env=False, verify=False) as http:
        yield await join(notifier, server, http)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_letters_are_ended_and_asked_for_again_by_two_buttons(
    zoe: Learner, visitors: Visitors, scheme: str
) -> None:
    await zoe.earn(language="de")
    await zoe.until("sent")
    link = f"{zoe.notifier.url}{await zoe.link()}"
    visitor = await visitors("de-DE", PHONE, scheme)  # type: ignore[arg-type]
    page, barriers = visitor.page, []
    await page.goto(link)
    barriers += await visitor.barriers()
    await visitor.button("Keine Nachrichten mehr").click()
    await expect(page.get_by_text("Sie erhalten keine Nachrichten mehr")).to_be_visible()
    barriers += await visitor.barriers()
    await page.goto(link)
    await visitor.button("Wieder Nachrichten erhalten").click()
    await expect(page.get_by_text("kommen wieder an diese Adresse")).to_be_visible()
    barriers += await visitor.barriers()
    await page.goto(link)
    await expect(visitor.button("Keine Nachrichten mehr")).to_be_visible()
    assert (barriers, visitor.complaints, await visitor.overflow()) == ([], [], 0)
