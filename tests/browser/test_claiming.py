"""A learner's way in a real browser: from the link in a letter to a platform and back, by mouse and by keyboard."""

import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.async_api import expect

from services.cli.ports import free_ports
from tests.browser.earner import Earner
from tests.browser.picture_host import PictureHost
from tests.browser.visitor import PHONE, Visitor, Visitors
from tests.integration.learners import known
from tests.integration.sample_platform import served

GERMAN_MONTHS = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
]


def german(moment: datetime) -> str:
    """As a German writes a date."""
    return f"{moment.day}. {GERMAN_MONTHS[moment.month - 1]} {moment.year}"


async def test_a_german_claims_shows_and_takes_back(earner: Earner, visitors: Visitors, pictures: PictureHost) -> None:
    platform = await earner.platform()
    earned = await earner.earn(
        valid_until="2099-12-31T00:00:00Z", image={"id": pictures.picture, "caption": "Ein Stern"}
    )
    visitor = await visitors("de-DE")
    page = visitor.page

    await page.goto(earned.link)
    await expect(page.locator("html")).to_have_attribute("lang", "de")
    await expect(visitor.heading("Sie haben einen Nachweis erworben")).to_be_visible()
    await expect(visitor.main).to_contain_text(f"Ausgestellt von University {earned.institution.slug}")
    assert page.url == earned.link.partition("#")[0], "the code is not left in the address"
    assert pictures.asked == [], "before the click, nobody elsewhere is told"

    await visitor.button("Nachweis in Besitz nehmen").click()
    await expect(visitor.heading("Applied Statistics")).to_be_focused()
    await expect(page.get_by_role("status")).to_contain_text("gehört jetzt Ihnen")
    await expect(page).to_have_title("Applied Statistics – Ihr Nachweis")
    await expect(page.get_by_role("img", name="Ein Stern")).to_be_visible()
    await expect(visitor.main).to_contain_text("31. Dezember 2099")
    (asked,) = pictures.asked
    assert not {"referer", "origin"} & asked.keys()

    shown, terms = page.locator(f"#on-{platform.id}"), page.locator(f"#terms-{platform.id}")
    await expect(terms).to_contain_text(
        f"Ich möchte, dass Platform {platform.slug} (https://{platform.slug}.example.net)"
    )
    agreed = await terms.text_content()
    await shown.get_by_role("button", name=f"Auf Platform {platform.slug} zeigen").click()
    stop = shown.get_by_role("button", name=f"Nicht mehr auf Platform {platform.slug} zeigen")
    await expect(stop).to_be_focused()
    await expect(shown).to_contain_text(f"Gezeigt seit {german(datetime.now(UTC))}")
    assert agreed == await consent(earner, visitor, earned.id)

    await page.reload()
    await expect(visitor.heading("Applied Statistics")).to_be_visible()
    await stop.click()
    await expect(shown).to_contain_text("die Plattform hat noch nicht bestätigt, dass sie ihn entfernt hat")
    assert visitor.complaints == []


async def consent(earner: Earner, visitor: Visitor, credential_id: str) -> str:
    """What is kept of the learner's last consent."""
    session = await visitor.page.evaluate("JSON.parse(sessionStorage.getItem('laurel.learner'))")
    url = f"{earner.api.urls['registry']}/v1/credentials/{credential_id}/shares"
    answer = await earner.api.http.get(url, headers={"Authorization": f"Bearer {session['token']}"})
    return str(answer.json()["items"][0]["consent"]["text"])


async def tab_to(visitor: Visitor, name: str, most: int = 60) -> None:
    """Go on with the Tab key to what is called so."""
    for _ in range(most):
        await visitor.page.keyboard.press("Tab")
        if await visitor.focused() == name:
            return
    raise AssertionError(f"the Tab key does not reach {name!r}")


async def test_the_keyboard_is_enough_and_the_sample_platform_shows_it(
    earner: Earner, visitors: Visitors, tmp_path: Path
) -> None:
    platform, email = await earner.api.platform(), f"{uuid4().hex}@example.com"
    await known(earner.api, platform.id)
    async with served(earner.api, platform, email, tmp_path / "db", free_ports()["notifier"]) as sample:
        earned = await earner.earn(email=email, name="Practical Statistics")
        visitor = await visitors("en-GB", PHONE)
        page, shown = visitor.page, visitor.page.locator(f"#on-{platform.id}")
        await page.goto(earned.link)
        await expect(visitor.main).to_contain_text("Practical Statistics")
        await tab_to(visitor, "Claim your credential")
        await page.keyboard.press("Enter")
        await expect(visitor.heading("Practical Statistics")).to_be_focused()

        await tab_to(visitor, f"Show it on Platform {platform.slug}")
        await page.keyboard.press("Space")
        await expect(shown).to_contain_text("Shown since")
        await sample.until("Practical Statistics")
        stop = f"Stop showing it on Platform {platform.slug}"
        await expect(visitor.button(stop)).to_be_focused()
        await page.keyboard.press("Enter")
        await sample.until("Practical Statistics", shown=False)
        await expect(visitor.button(f"Show it on Platform {platform.slug}")).to_be_focused()
        await expect(shown).to_contain_text(re.compile("has not confirmed yet|has confirmed it"))

        while "has confirmed it" not in (await shown.text_content() or ""):
            await page.reload()
            await expect(shown).to_be_visible()
        assert visitor.complaints == []


async def test_a_link_that_was_used_does_not_work_any_more_and_another_can_be_asked_for(
    earner: Earner, visitors: Visitors
) -> None:
    earned = await earner.earn()
    first, second = await visitors(), await visitors()
    for visitor in (first, second):
        await visitor.page.goto(earned.link)
        await visitor.button("Claim your credential").click()
    await expect(first.heading("Applied Statistics")).to_be_visible()
    await expect(second.heading("This link does not work any more")).to_be_focused()
    await expect(second.main).to_contain_text("It was used before. A link works once.")

    statement = "UPDATE claim_code SET created_at = now() - interval '6 minutes' WHERE credential_id = $1::uuid"
    await earner.in_registry(statement, earned.id)
    await second.button("Send me a new link").click()
    await expect(second.page.get_by_role("status")).to_contain_text("a letter is on its way to it")
    await second.page.goto(await earner.letter(earned.id, count=2))
    await second.button("Claim your credential").click()
    await expect(second.heading("Applied Statistics")).to_be_visible()
    assert [text for text in second.complaints if "410 (Gone)" not in text] == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("expired", "It was not used within 30 days."),
        ("of nobody", "It is not, or no longer, one that we sent."),
        ("far too long", "It is not, or no longer, one that we sent."),
    ],
)
async def test_a_link_that_cannot_work_says_why_and_another_can_be_asked_for(
    earner: Earner, visitors: Visitors, change: str, reason: str
) -> None:
    earned = await earner.earn()
    link = earned.link
    if change == "expired":
        await earner.in_registry("UPDATE claim_code SET expires_at = now() WHERE credential_id = $1::uuid", earned.id)
    else:
        link = link.rpartition(".")[0] + "." + "x" * (43 if change == "of nobody" else 4300)
    visitor = await visitors()
    await visitor.page.goto(link)
    await visitor.button("Claim your credential").click()
    await expect(visitor.heading("This link does not work any more")).to_be_focused()
    await expect(visitor.main).to_contain_text(reason)
    await visitor.button("Send me a new link").click()
    await expect(visitor.page.get_by_role("status")).to_contain_text("a letter is on its way to it")


async def test_a_link_that_was_cut_says_where_the_whole_one_is(earner: Earner, visitors: Visitors) -> None:
    address = f"{earner.api.urls['registry']}/claim"
    for fragment in ("", "#", "#x", "#%", f"#{uuid4()}", f"#{uuid4()}.", "#../v1/claims.x", f"#{uuid4()}.<b>x</b>"):
        visitor = await visitors()
        await visitor.page.goto(address + fragment)
        await expect(visitor.heading("Open the link in your letter")).to_be_visible()
        await expect(visitor.page.get_by_role("button")).to_have_count(0)
        assert visitor.complaints == []


async def test_an_offer_and_a_claim_outlive_a_reload_and_a_second_letter_in_the_same_tab(
    earner: Earner, visitors: Visitors
) -> None:
    one, other = await earner.earn(name="Regression"), await earner.earn(name="Sampling")
    visitor = await visitors()
    page = visitor.page
    await page.goto(one.link)
    await page.reload()
    await visitor.button("Claim your credential").click()
    await expect(visitor.heading("Regression")).to_be_visible()
    await page.goto(other.link)
    await expect(visitor.main).to_contain_text("Sampling")
    await visitor.button("Claim your credential").click()
    await expect(visitor.heading("Sampling")).to_be_visible()
    await page.reload()
    await expect(visitor.heading("Sampling")).to_be_visible()
    assert visitor.complaints == []
