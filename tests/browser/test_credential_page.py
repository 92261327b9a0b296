"""A credential's public page as strangers see it: on a desk and on a phone, by day and by night, without a script."""

from typing import Any, Literal

import pytest
from playwright.async_api import Response, expect

from tests.browser.earner import Earned, Earner
from tests.browser.picture_host import PictureHost
from tests.browser.visitor import DESKTOP, PHONE, Visitor, Visitors
from tests.unit.registry.shown import ACHIEVEMENT

LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
HOSTILE = "\u202e<img src=x onerror=alert(1)></script><script>alert(1)</script>"
SHOWN = ("description", "criteria", "inLanguage", "alignment", "microCredential")
FIELDS: dict[str, Any] = {name: ACHIEVEMENT[name] for name in SHOWN}


def address(earner: Earner, earned: Earned) -> str:
    """Where LinkedIn, platforms and letters send people."""
    return f"{earner.api.urls['registry']}/credentials/{earned.id}"


async def look(visitor: Visitor) -> None:
    """Nothing is in anybody's way, and the browser has nothing to complain of."""
    assert await visitor.barriers() == []
    assert await visitor.overflow() <= 0
    assert visitor.complaints == []


async def opened(visitor: Visitor, url: str) -> Response:
    """What came when the address was opened."""
    answer = await visitor.page.goto(url)
    assert answer is not None
    return answer


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_strangers_see_what_it_is_and_how_it_stands(
    earner: Earner, visitors: Visitors, pictures: PictureHost, size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    picture = {"id": pictures.picture, "caption": "Ein Stern"}
    earned = await earner.earn(valid_until="2099-12-31T00:00:00Z", image=picture, **FIELDS)
    visitor = await visitors("de-AT", size, scheme)
    page, standing = visitor.page, visitor.page.locator(".standing")

    await opened(visitor, f"{address(earner, earned)}?utm_source=linkedin&fbclid=IwAR0")
    await expect(page).to_have_title(f"Applied Statistics – University {earned.institution.slug}")
    await expect(visitor.heading("Applied Statistics")).to_be_visible()
    await expect(standing).to_contain_text("Aktiv.")
    await expect(visitor.main).to_contain_text("31. Dezember 2099")
    await expect(visitor.main).to_contain_text("2,5 ECTS-Punkte · 70 Std.")
    await expect(page.get_by_role("img", name="Ein Stern")).to_be_visible()
    assert await page.locator(".picture img").evaluate("image => image.complete && image.width > 50")
    assert [asked for asked in pictures.asked if {"cookie", "referer"} & asked.keys()] == []
    await look(visitor)

    await page.get_by_role("link", name="Français").click()
    await expect(page.locator("html")).to_have_attribute("lang", "fr")
    await expect(standing).to_contain_text("En vigueur.")
    for verb, status, said in (("suspend", "suspended", "Suspendue."), ("revoke", "revoked", "Révoquée.")):
        await earner.change(earned, verb, status)
        await page.reload()
        await expect(standing).to_contain_text(said)
        await expect(page.get_by_role("link", name="LinkedIn")).to_have_count(0)
        await look(visitor)


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_whatever_an_institution_writes_stays_in_its_place(
    earner: Earner, visitors: Visitors, size: tuple[int, int]
) -> None:
    long = [{"targetName": LONG, "targetUrl": f"https://esco.example/{'s' * 500}", "targetFramework": LONG}]
    criteria = {"id": f"https://a.example/{'c' * 500}", "narrative": LONG * 100}
    earned = await earner.earn(name=HOSTILE, description="W" * 10_000, alignment=long, criteria=criteria)
    visitor = await visitors("en-GB", size)
    await opened(visitor, address(earner, earned))
    await expect(visitor.page.locator("h1")).to_have_text(HOSTILE)
    await expect(visitor.page.locator("svg text")).to_be_visible()
    assert "\u202e" not in await visitor.page.title()
    assert await visitor.page.locator("img").count() == 0
    await look(visitor)


async def test_it_needs_no_script(earner: Earner, visitors: Visitors) -> None:
    earned = await earner.earn(**FIELDS)
    visitor = await visitors("es-MX", java_script_enabled=False)
    page = visitor.page
    await opened(visitor, address(earner, earned))
    await expect(page.locator(".standing")).to_contain_text("Vigente.")
    await page.get_by_role("link", name="English").click()
    await expect(page.locator(".standing")).to_contain_text("Active.")
    await page.get_by_role("link", name="Signed document (JSON)").click()
    await expect(page.locator("body")).to_contain_text('"OpenBadgeCredential"')
    assert page.url.endswith(f"/credentials/{earned.id}/document")


async def test_a_badge_is_drawn_where_the_picture_does_not_come(
    earner: Earner, visitors: Visitors, pictures: PictureHost
) -> None:
    earned = await earner.earn(name="Introduction to applied Érgonomics", image={"id": pictures.missing})
    visitor = await visitors()
    await opened(visitor, address(earner, earned))
    await expect(visitor.page.locator(".badge text")).to_have_text("IÉ")
    drawn = visitor.page.locator(".badge")
    colours = {"#1a5fb4", "#0e5c4f", "#6a2e8f", "#8f2f14", "#871745", "#3f5316"}
    assert await drawn.locator("circle").first.get_attribute("fill") in colours
    size = await visitor.page.locator(".picture img").evaluate("image => image.getBoundingClientRect().width")
    assert (len(pictures.asked), size) == (1, 0), "what did not come covers nothing"
    assert [text for text in visitor.complaints if "404 (Not Found)" not in text] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_people_are_told_where_there_is_none(
    earner: Earner, visitors: Visitors, scheme: Literal["light", "dark"]
) -> None:
    visitor = await visitors("fr-FR", PHONE, scheme)
    answer = await opened(visitor, f"{earner.api.urls['registry']}/credentials/gone")
    assert answer.status == 404
    await expect(visitor.heading("Cette attestation n’existe pas ici")).to_be_visible()
    assert await visitor.barriers() == []
    assert await visitor.overflow() <= 0
    await visitor.page.get_by_role("link", name="Deutsch").click()
    await expect(visitor.heading("Diesen Nachweis gibt es hier nicht")).to_be_visible()
    assert [text for text in visitor.complaints if "404 (Not Found)" not in text] == []


async def test_the_policy_lets_nobody_write_run_or_load_anything(earner: Earner, visitors: Visitors) -> None:
    visitor = await visitors()
    await opened(visitor, address(earner, await earner.earn()))
    assert visitor.complaints == []
    for injected in (
        "const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s)",
        "document.body.setAttribute('onclick', 'window.ran = 1'); document.body.click()",
        "fetch('/healthz').catch(() => {})",
        "document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">x</p>')",
    ):
        before = len(visitor.complaints)
        await visitor.page.evaluate(injected)
        await visitor.page.wait_for_timeout(200)
        refused = visitor.complaints[before:]
        assert any("Content Security Policy" in text for text in refused), (injected, refused)
    assert await visitor.page.evaluate("window.ran") is None
