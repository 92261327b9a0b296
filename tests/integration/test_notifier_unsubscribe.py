"""The link that ends letters, at the running notifier: by one click, by its page, and never by accident."""

import base64
import re
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urljoin

import httpx
import pytest

from tests.fixtures.api import expect
from tests.fixtures.mail_server import MailServer, run_server
from tests.fixtures.services import Stacks
from tests.integration.lone_notifier import LoneNotifier
from tests.integration.mail_learner import Learner, join, mailing_notifier
from tests.integration.post_office import changed

FORM = {"content-type": "application/x-www-form-urlencoded"}
ONE_CLICK = "List-Unsubscribe=One-Click"


def offer(page: httpx.Response) -> str:
    """Where the page's button for letters again leads."""
    [action] = re.findall(r'<form method="post" action="([^"]+)">', page.text)
    return str(action)


@pytest.fixture(scope="module")
def server() -> Iterator[MailServer]:
    yield from run_server(MailServer())


@pytest.fixture(scope="module")
def notifier(stacks: Stacks, server: MailServer) -> Iterator[LoneNotifier]:
    with mailing_notifier(stacks, "embedded", server) as made:
        yield made


@pytest.fixture
async def http(notifier: LoneNotifier) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=notifier.url, timeout=30, trust_env=False, verify=False) as client:
        yield client


@pytest.fixture
async def zoe(notifier: LoneNotifier, server: MailServer, http: httpx.AsyncClient) -> Learner:
    return await join(notifier, server, http)


async def test_one_click_ends_the_letters_and_opening_the_page_does_not(zoe: Learner) -> None:
    event = await zoe.earn(language="fr-CA")
    await zoe.until("sent")
    path = f"{await zoe.link()}?utm_source=letter"  # as mail gateways leave it
    page = await zoe.http.get(path)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert 'lang="fr"' in page.text
    assert zoe.address not in page.text
    assert await zoe.notifier.execute("SELECT FROM refusal r JOIN addressee a USING (address_index)"
                                      " WHERE a.credential_id = $1", event.credential_id) == []  # fmt: skip
    done = await zoe.http.post(path, content=ONE_CLICK, headers=FORM)
    assert done.status_code == 200
    assert "C’est fait" in done.text
    await zoe.notifier.publish(changed(event))
    assert (await zoe.until("suppressed", kind="revoked"))["reason"] == "unsubscribed"


async def test_the_person_with_the_link_can_have_letters_again(zoe: Learner) -> None:
    event = await zoe.earn(language="de")
    await zoe.until("sent")
    path = await zoe.link()
    done = await zoe.http.post(path, content=ONE_CLICK, headers=FORM)
    opened = await zoe.http.get(path)
    assert opened.text == done.text, "who unsubscribed in a mail program finds the way back on the page"
    again = urljoin(path, offer(opened))
    await zoe.notifier.publish(changed(event))
    assert (await zoe.until("suppressed", kind="revoked"))["reason"] == "unsubscribed"

    for method in ("GET", "HEAD"):
        assert (await zoe.http.request(method, again)).status_code == 405, "scanners open every link"
    assert (await zoe.http.get(path)).text == done.text
    for content, headers in (("", FORM), ("", {})):
        resumed = await zoe.http.post(again, content=content, headers=headers)
        assert (resumed.status_code, resumed.headers["cache-control"]) == (200, "no-store")
        assert "kommen wieder an diese Adresse" in resumed.text
        assert zoe.address not in resumed.text
    assert 'value="One-Click"' in (await zoe.http.get(path)).text
    await zoe.earn()
    await zoe.until("sent", kind="earned")
    assert len(await zoe.letters(state="suppressed")) == 1, "what was kept back meanwhile stays so"


async def test_nobody_else_can_have_letters_sent_again(zoe: Learner) -> None:
    event = await zoe.earn()
    await zoe.until("sent")
    path = await zoe.link()
    again = urljoin(path, offer(await zoe.http.post(path, content=ONE_CLICK, headers=FORM)))
    link = base64.urlsafe_b64decode(path.rpartition("/")[2] + "=")
    forged = base64.urlsafe_b64encode(link[:16] + bytes(16)).rstrip(b"=").decode()
    for headers in (zoe.tenant.headers, zoe.notifier.operator):
        for token in (forged, str(event.credential_id)):
            expect(404, await zoe.http.post(again.replace(path.rpartition("/")[2], token), headers=headers))
    await zoe.notifier.publish(changed(event))
    letter = await zoe.until("suppressed", kind="revoked")
    expect(202, await zoe.http.post(f"/v1/letters/{letter['id']}/resend", headers=zoe.tenant.headers))
    assert (await zoe.until("suppressed", kind="revoked"))["reason"] == "unsubscribed"


async def test_the_page_and_mail_programs_that_send_the_other_kind_of_form_work_too(zoe: Learner) -> None:
    event = await zoe.earn()
    await zoe.until("sent")
    path = await zoe.link()
    answer = await zoe.http.post(path, files={"List-Unsubscribe": (None, "One-Click")})
    assert answer.status_code == 200, answer.text
    await zoe.notifier.publish(changed(event))
    await zoe.until("suppressed", kind="revoked")


async def test_the_page_runs_nothing_and_sends_its_form_nowhere_else(zoe: Learner) -> None:
    await zoe.earn()
    await zoe.until("sent")
    page = await zoe.http.get(await zoe.link())
    policy = page.headers["content-security-policy"]
    assert re.fullmatch(r"default-src 'none'; style-src 'sha256-[\w+/=]{44}'; form-action 'self'; base-uri 'none'; "
                        r"frame-ancestors 'none'", policy)  # fmt: skip
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        ("", FORM, 422),
        ("List-Unsubscribe=Two-Clicks", FORM, 422),
        ("%", FORM, 422),
        ("List-Unsubscribe=One-Click", {"content-type": "application/json"}, 415),
        ("List-Unsubscribe=One-Click", {}, 415),
        ("", {}, 422),
        ("", {"content-length": "0"}, 422),
        ("", {"content-type": "multipart/form-data; boundary=x"}, 422),
        ("nothing of the kind", {"content-type": "multipart/form-data"}, 400),
        ("nothing of the kind", {"content-type": "multipart/form-data; boundary=x"}, 400),
    ],
)
async def test_anything_else_is_a_problem_and_ends_nothing(
    zoe: Learner, content: str, headers: dict[str, str], status: int
) -> None:
    event = await zoe.earn()
    await zoe.until("sent")
    answer = await zoe.http.post(await zoe.link(), content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    await zoe.notifier.publish(changed(event))
    await zoe.until("sent", kind="revoked")


async def test_a_link_that_is_not_ours_is_not_found(zoe: Learner) -> None:
    await zoe.earn()
    await zoe.until("sent")
    path = await zoe.link()
    for wrong in (path[:-1], path[:-1] + ("A" if path[-1] != "A" else "B"), "/unsubscribe/x", "/unsubscribe/%00"):
        expect(404, await zoe.http.get(wrong))
        expect(404, await zoe.http.post(wrong, content=ONE_CLICK, headers=FORM))
