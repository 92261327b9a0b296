"""What holds wherever the learner is on the page: its language, its pictures, its looks, and what it lets nobody do."""

import tomllib
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import expect

from services.registry.main import TEMPLATES
from tests.browser.earner import Earned, Earner
from tests.browser.picture_host import PictureHost
from tests.browser.visitor import DESKTOP, PHONE, Visitor, Visitors

LONG = "Zur Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaftswesen"
LOCALES = {"en": "en-US", "de": "de-AT", "fr": "fr-CA", "es": "es-MX"}
# The 4th of January 2028 in each of them.
DATES = {"en": "January 4, 2028", "de": "4. Jänner 2028", "fr": "4 janvier 2028", "es": "4 de enero de 2028"}


def sentences(language: str) -> dict[str, dict[str, str]]:
    page: dict[str, dict[str, str]] = tomllib.loads((TEMPLATES / f"languages/{language}.toml").read_text())["page"]
    return page


async def claimed(visitor: Visitor, earned: Earned, language: str = "en") -> None:
    """Follow the link, and claim."""
    await visitor.page.goto(earned.link)
    await visitor.button(sentences(language)["offer"]["button"]).click()
    await expect(visitor.page.locator("#name")).to_be_visible()


@pytest.mark.parametrize("language", LOCALES)
async def test_the_browsers_language_is_spoken(earner: Earner, visitors: Visitors, language: str) -> None:
    said, platform = sentences(language), await earner.platform()
    earned = await earner.earn(valid_until="2028-01-04T00:00:00Z")
    visitor = await visitors(LOCALES[language], timezone_id="America/Los_Angeles")
    page, shown = visitor.page, visitor.page.locator(f"#on-{platform.id}")
    await claimed(visitor, earned, language)
    await expect(page.locator("html")).to_have_attribute("lang", language)
    await expect(page.get_by_label(said["common"]["language"])).to_have_value(language)
    await expect(visitor.heading(said["sharing"]["heading"])).to_be_visible()
    await expect(page.locator("#facts")).to_contain_text(DATES[language])
    await expect(page.locator(f"#terms-{platform.id}")).to_have_attribute("lang", language)
    name = f"Platform {platform.slug}"
    await visitor.button(said["sharing"]["show"].format(platform=name)).click()
    await expect(shown).to_contain_text(said["sharing"]["shared"].partition(" {")[0])
    await visitor.button(said["sharing"]["stop"].format(platform=name)).click()
    await expect(shown).to_contain_text(said["sharing"]["withdrawn"])
    await expect(page.get_by_role("status")).to_have_text(said["sharing"]["told_to_stop"].format(platform=name))
    assert visitor.complaints == []


async def test_another_language_can_be_chosen_and_is_kept(earner: Earner, visitors: Visitors) -> None:
    platform, earned = await earner.platform(), await earner.earn()
    visitor = await visitors("it-IT")
    page, choice = visitor.page, visitor.page.get_by_role("combobox")
    await page.goto(earned.link)
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await choice.select_option("Français")
    await expect(page.locator("html")).to_have_attribute("lang", "fr")
    await visitor.button("Réclamer mon attestation").click()
    await expect(page.get_by_role("status")).to_contain_text("vous décidez où elle est affichée")
    await choice.select_option("Deutsch")
    await expect(page.get_by_role("status")).to_contain_text("Sie entscheiden, wo er gezeigt wird")
    await expect(page.locator(f"#terms-{platform.id}")).to_contain_text("Ich möchte, dass")
    await page.reload()
    await expect(visitor.heading("Wo er gezeigt wird")).to_be_visible()
    await expect(choice).to_have_value("de")
    assert visitor.complaints == []


async def test_what_the_service_refuses_is_told_in_the_learners_language(earner: Earner, visitors: Visitors) -> None:
    platform, earned = await earner.platform(), await earner.earn()
    visitor = await visitors("de-DE")
    page, status = visitor.page, visitor.page.get_by_role("status")
    show, problems = f"Auf Platform {platform.slug} zeigen", sentences("de")["problems"]
    await claimed(visitor, earned, "de")

    await page.context.set_offline(True)
    await visitor.button(show).click()
    await expect(status).to_have_text(problems["unreachable"])
    await page.context.set_offline(False)

    await earner.in_registry("UPDATE claim SET status = 'revoked' WHERE credential_id = $1::uuid", earned.id)
    await visitor.button(show).click()
    await expect(status).to_have_text(problems["credential-not-shareable"])
    await earner.in_registry("UPDATE claim SET status = 'active' WHERE credential_id = $1::uuid", earned.id)

    await earner.suspend(platform)
    await visitor.button(show).click()
    await expect(status).to_have_text(problems["platform-suspended"])

    statement = "UPDATE learner_token SET expires_at = now() WHERE credential_id = $1::uuid"
    await earner.in_registry(statement, earned.id)
    await page.reload()
    await expect(visitor.heading("Ihr Zugang ist abgelaufen")).to_be_focused()
    await expect(visitor.main).to_contain_text(problems["invalid-token"])
    await visitor.button("Neuen Link senden").click()
    await expect(status).to_contain_text("ist eine Nachricht dorthin unterwegs")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ({"status": 410, "code": "claim-used", "detail": "x"}, {"key": "problems.claim-used"}),
        ({"status": 503}, {"key": "problems.unavailable"}),
        ({"status": 404, "code": "constructor", "detail": "x"}, {"key": "problems.not-found"}),
        ({"status": 418, "code": "no-such", "detail": "a teapot"}, {"text": "a teapot"}),
        ({"status": 418}, {"key": "problems.unexpected"}),
    ],
)
async def test_english_details_are_the_last_resort(
    earner: Earner, visitors: Visitors, error: dict[str, Any], said: dict[str, str]
) -> None:
    visitor = await visitors("de-DE")
    await visitor.page.goto(f"{earner.api.urls['registry']}/claim")
    assert await visitor.page.evaluate("error => problem(error)", error) == said


async def test_how_a_credential_stands_is_told(earner: Earner, visitors: Visitors) -> None:
    platform, earned = await earner.platform(), await earner.earn()
    visitor = await visitors()
    standing = visitor.page.locator("#standing")
    await claimed(visitor, earned)
    await expect(standing).to_be_hidden()
    for verb, status, said, offered in (
        ("suspend", "suspended", "It is suspended: for now, verification does not find it valid.", 0),
        ("reinstate", "active", "", 1),
        ("revoke", "revoked", "It was revoked: it is no longer valid, and verification says so.", 0),
    ):
        await earner.change(earned, verb, status)
        await visitor.page.reload()
        await expect(visitor.page.locator("#name")).to_be_visible()
        await expect(standing).to_have_text(said)
        await expect(visitor.page.locator(f"#on-{platform.id} button")).to_have_count(offered)


async def test_the_host_of_a_picture_cannot_tell_who_looks(
    earner: Earner, visitors: Visitors, pictures: PictureHost, tmp_path: Path
) -> None:
    earned = await earner.earn(image={"id": pictures.picture})
    async with visitors.lenient(tmp_path / "profile") as visitor:
        known = {"name": "who", "value": "ada", "url": pictures.url, "sameSite": "None", "secure": True}
        await visitor.page.context.add_cookies([known])
        await claimed(visitor, earned)
        await expect(visitor.page.locator("#picture img")).to_be_visible()
        (asked,) = pictures.asked
        assert not {"cookie", "referer"} & asked.keys()


@pytest.mark.parametrize("address", [None, "missing", "http://127.0.0.1:9/badge.png"])
async def test_a_badge_is_drawn_where_there_is_no_picture(
    earner: Earner, visitors: Visitors, pictures: PictureHost, address: str | None
) -> None:
    image = {"image": {"id": pictures.missing if address == "missing" else address}} if address else {}
    visitor = await visitors()
    await claimed(visitor, await earner.earn(name="Introduction to applied Érgonomics", **image))
    await expect(visitor.page.locator("#picture svg text")).to_have_text("IÉ")
    await expect(visitor.page.locator("#picture img")).to_have_count(0)
    assert len(pictures.asked) == (address == "missing")
    assert [text for text in visitor.complaints if "404 (Not Found)" not in text] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_nothing_is_in_anybodys_way(
    earner: Earner, visitors: Visitors, pictures: PictureHost, size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    platform = await earner.platform()
    earned = await earner.earn(name=LONG, description=LONG * 3, image={"id": pictures.picture})
    visitor, late = await visitors("fr-FR", size, scheme), await visitors("de-DE", size, scheme)

    async def look(one: Visitor) -> None:
        assert await one.barriers() == []
        assert await one.overflow() <= 0

    await visitor.page.goto(earned.link)
    await expect(visitor.main).to_contain_text(LONG)
    await look(visitor)
    await visitor.button("Réclamer mon attestation").click()
    await expect(visitor.page.locator("#picture img")).to_be_visible()
    await visitor.button(f"L’afficher sur Platform {platform.slug}").click()
    await expect(visitor.page.locator(".state.shared")).to_be_visible()
    await look(visitor)
    await visitor.button(f"Ne plus l’afficher sur Platform {platform.slug}").click()
    await expect(visitor.page.locator(".state.withdrawn")).to_be_visible()
    await earner.change(earned, "revoke", "revoked")
    await visitor.page.reload()
    await expect(visitor.page.locator("#standing")).to_be_visible()
    await look(visitor)

    await late.page.goto(earned.link)
    await late.button("Nachweis in Besitz nehmen").click()
    await expect(late.heading("Dieser Link funktioniert nicht mehr")).to_be_visible()
    await look(late)
    await late.page.context.set_offline(True)
    await late.button("Neuen Link senden").click()
    await expect(late.page.locator("#said.bad")).to_be_visible()
    await look(late)


async def test_what_is_found_to_be_in_the_way_would_be_told(earner: Earner, visitors: Visitors) -> None:
    visitor = await visitors("en-GB", PHONE)
    await visitor.page.goto(f"{earner.api.urls['registry']}/claim")
    await expect(visitor.heading("Open the link in your letter")).to_be_visible()
    text = visitor.main.get_by_text("The letter about your credential")
    await text.evaluate("text => { text.style.color = '#808080' }")
    (barrier,) = await visitor.barriers()
    assert "insufficient color contrast of 3.94" in barrier
    await text.evaluate("text => { text.style.width = '500px' }")
    assert await visitor.overflow() > 0


async def test_the_policy_lets_nobody_else_write_run_or_load_anything(earner: Earner, visitors: Visitors) -> None:
    visitor = await visitors()
    await claimed(visitor, await earner.earn(name="<img src=x onerror=alert(1)><script>alert(1)</script>"))
    await expect(visitor.heading("<img src=x onerror=alert(1)><script>alert(1)</script>")).to_be_visible()
    assert visitor.complaints == []
    for injected in (
        "const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s)",
        "document.body.setAttribute('onclick', 'window.ran = 1'); document.body.click()",
        "const i = new Image(); i.src = 'http://127.0.0.1:9/x.png'; document.body.append(i)",
        "fetch('https://127.0.0.1:9/').catch(() => {})",
        "document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">x</p>')",
    ):
        before = len(visitor.complaints)
        await visitor.page.evaluate(injected)
        await visitor.page.wait_for_timeout(200)
        refused = visitor.complaints[before:]
        assert any("Content Security Policy" in text for text in refused), (injected, refused)
    assert await visitor.page.evaluate("window.ran") is None


async def test_one_thing_is_done_at_a_time(earner: Earner, visitors: Visitors) -> None:
    platform, visitor = await earner.platform(), await visitors()
    await claimed(visitor, await earner.earn())
    calls: list[str] = []
    visitor.page.on("request", lambda request: calls.append(request.url.rpartition("/")[2]))
    name = f"Show it on Platform {platform.slug}"
    await visitor.button(name).evaluate("button => { button.click(); button.click(); button.click(); }")
    await expect(visitor.page.locator(f"#on-{platform.id} .shared")).to_be_visible()
    assert calls.count("share") == 1
