"""Letters from the running notifier: from events on the bus to a real mail server, and what its API says of them."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest

from shared.credentials.sealing import Sealer
from shared.events.catalogue import CredentialIssued
from tests.fixtures.api import expect
from tests.fixtures.delivery_report import notification_of
from tests.fixtures.mail_server import MailServer, run_server
from tests.fixtures.services import Stacks
from tests.integration.lone_notifier import LoneNotifier, Tenant
from tests.integration.post_office import changed, issued, offered, registered

SCOPES = "credentials:read credentials:write"
FORM = {"content-type": "application/x-www-form-urlencoded"}
ONE_CLICK = "List-Unsubscribe=One-Click"


@pytest.fixture(scope="module")
def server() -> Iterator[MailServer]:
    yield from run_server(MailServer())


@pytest.fixture(scope="module")
def notifier(stacks: Stacks, bus_kind: str, server: MailServer) -> Iterator[LoneNotifier]:
    """The notifier alone, with a mail server."""
    mail = {"LAUREL_MAIL_FROM": "letters@laurel.example", "LAUREL_MAIL_RATE": "0", "LAUREL_MAIL_SCHEDULE": "0.3,0.3"}
    with LoneNotifier.on(stacks, bus_kind, LAUREL_SMTP_URL=server.url(), **mail) as made:
        yield made


@dataclass(frozen=True, slots=True)
class Learner:
    """Somebody with an address of their own, at an institution of the test's own, seen through its client."""

    notifier: LoneNotifier
    server: MailServer
    http: httpx.AsyncClient
    tenant: Tenant
    address: str

    @property
    def recipients(self) -> Sealer:
        return Sealer.from_text(self.notifier.stack.deployment.recipient_key)

    async def earn(self, **fields: Any) -> CredentialIssued:
        """A credential, with the offer to claim it."""
        event = issued(self.tenant.id, self.address, recipients=self.recipients, **fields)
        await self.notifier.publish(event)
        await self.offer(event, "issued")
        return event

    async def offer(self, event: CredentialIssued, occasion: str, days: float = 7) -> None:
        await self.notifier.publish(offered(event, occasion, days=days, recipients=self.recipients))

    async def letters(self, **params: str) -> list[dict[str, Any]]:
        answer = await self.http.get("/v1/letters", params=params, headers=self.tenant.headers)
        return list(expect(200, answer)["items"])

    async def until(self, state: str, seconds: float = 20, **params: str) -> dict[str, Any]:
        """The newest letter, once it is in that state."""
        deadline = time.monotonic() + seconds
        while not (found := await self.letters(**params)) or found[0]["state"] != state:
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.05)
        return found[0]

    async def link(self) -> str:
        """The path of the unsubscribe page, from the newest letter."""
        header = str(self.server.to(self.address)[-1].message["List-Unsubscribe"])
        return urlsplit(header.strip("<>")).path


@pytest.fixture
async def http(notifier: LoneNotifier) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=notifier.url, timeout=30, trust_env=False) as client:
        yield client


async def join(
    notifier: LoneNotifier, server: MailServer, http: httpx.AsyncClient, kind: str = "zoe", tenant: Tenant | None = None
) -> Learner:
    tenant = tenant or notifier.tenant(SCOPES)
    await notifier.publish(registered(tenant.id))
    return Learner(notifier, server, http, tenant, f"{kind}-{uuid4().hex[:8]}@example.org")


@pytest.fixture
async def zoe(notifier: LoneNotifier, server: MailServer, http: httpx.AsyncClient) -> Learner:
    return await join(notifier, server, http)


async def test_an_event_becomes_a_letter_and_the_institution_sees_its_state(zoe: Learner) -> None:
    event = await zoe.earn()
    [letter] = await zoe.server.wait(1, zoe.address)
    assert f"https://registry.example/claim/{event.credential_id}#code" in letter.text
    assert letter.sender == "letters@laurel.example"

    shown = await zoe.until("sent")
    assert (shown["kind"], shown["credential_id"]) == ("earned", str(event.credential_id))
    assert (shown["attempts"], shown["reason"], shown["next_at"]) == (1, None, None)
    whole = expect(200, await zoe.http.get(f"/v1/letters/{shown['id']}", headers=zoe.tenant.headers))
    assert [(each["number"], each["code"], each["status"]) for each in whole["tries"]] == [(1, 250, "2.0.0")]
    assert zoe.address not in str(whole)
    assert zoe.address.encode() not in zoe.notifier.stack["notifier"].log.read_bytes()


async def test_letters_are_listed_by_kind_state_and_credential(zoe: Learner) -> None:
    first, second = await zoe.earn(), await zoe.earn()
    await zoe.until("sent", credential=str(second.credential_id))
    await zoe.offer(first, "asked")
    await zoe.until("sent", kind="claim-link")
    everything = await zoe.letters()
    assert [each["created_at"] for each in everything] == sorted((e["created_at"] for e in everything), reverse=True)
    assert len(await zoe.letters(kind="earned")) == 2
    assert len(await zoe.letters(credential=str(first.credential_id))) == 2
    assert await zoe.letters(state="bounced") == []
    answer = await zoe.http.get("/v1/letters", params={"limit": "2"}, headers=zoe.tenant.headers)
    rest = await zoe.letters(cursor=expect(200, answer)["next"])
    assert answer.json()["items"] + rest == everything


async def test_another_institution_sees_and_resends_none_of_it(zoe: Learner) -> None:
    await zoe.earn()
    letter = await zoe.until("sent")
    stranger = zoe.notifier.tenant(SCOPES).headers
    assert expect(200, await zoe.http.get("/v1/letters", headers=stranger))["items"] == []
    expect(404, await zoe.http.get(f"/v1/letters/{letter['id']}", headers=stranger))
    expect(404, await zoe.http.post(f"/v1/letters/{letter['id']}/resend", headers=stranger))
    reader = zoe.notifier.tenant("endpoints:read").headers
    assert expect(403, await zoe.http.get("/v1/letters", headers=reader))["code"] == "insufficient-scope"
    assert len(zoe.server.to(zoe.address)) == 1


async def test_a_letter_can_be_sent_again_under_a_new_message_id(zoe: Learner) -> None:
    await zoe.earn()
    letter = await zoe.until("sent")
    headers = {**zoe.tenant.headers, "Idempotency-Key": uuid4().hex}
    for _ in range(2):
        answer = expect(202, await zoe.http.post(f"/v1/letters/{letter['id']}/resend", headers=headers))
        assert (answer["state"], answer["edition"]) == ("pending", 2)
    first, second = await zoe.server.wait(2, zoe.address)
    assert first.message["Message-ID"] != second.message["Message-ID"]
    assert first.text == second.text
    assert (await zoe.until("sent"))["attempts"] == 2


async def test_a_letter_whose_link_has_expired_is_not_sent_again(zoe: Learner) -> None:
    await zoe.earn()
    letter = await zoe.until("sent")
    await zoe.notifier.execute("UPDATE letter SET link_expires_at = now() WHERE id = $1", letter["id"])
    answer = await zoe.http.post(f"/v1/letters/{letter['id']}/resend", headers=zoe.tenant.headers)
    assert expect(409, answer)["code"] == "claim-link-expired"


async def test_a_bounce_is_recorded_and_resending_vouches_for_the_mailbox(
    notifier: LoneNotifier, server: MailServer, http: httpx.AsyncClient
) -> None:
    learner = await join(notifier, server, http, "gone")
    await learner.earn()
    letter = await learner.until("bounced")
    assert letter["reason"] == "refused"
    event = await learner.earn()
    spared = await learner.until("suppressed", credential=str(event.credential_id))
    assert spared["reason"] == "address-bounced"
    server.answer = "250 2.1.5 back again"
    try:
        expect(202, await http.post(f"/v1/letters/{spared['id']}/resend", headers=learner.tenant.headers))
        deadline = time.monotonic() + 20
        while server.tries[learner.address] < 2:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
    finally:
        server.answer = None


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


async def test_a_notification_from_a_mail_server_is_a_bounce(zoe: Learner) -> None:
    await zoe.earn()
    await zoe.until("sent")
    [letter] = await zoe.letters()
    raw = notification_of(UUID(letter["id"]))
    operator = {**zoe.notifier.operator, "content-type": "message/rfc822"}
    answer = expect(200, await zoe.http.post("/v1/bounces/report", content=raw, headers=operator))
    assert (answer["state"], answer["reason"]) == ("bounced", "reported")
    await zoe.until("bounced")
    other = await zoe.earn()
    await zoe.until("suppressed", credential=str(other.credential_id))


async def test_a_bounce_can_be_told_in_json(zoe: Learner) -> None:
    await zoe.earn()
    await zoe.until("sent")
    message_id = str(zoe.server.to(zoe.address)[0].message["Message-ID"])
    send = {"json": {"message_id": message_id, "status": "5.2.2"}, "headers": zoe.notifier.operator}
    assert expect(200, await zoe.http.post("/v1/bounces", **send))["state"] == "bounced"
    assert expect(403, await zoe.http.post("/v1/bounces", json=send["json"], headers=zoe.tenant.headers))["code"]


@pytest.mark.parametrize(
    ("path", "body", "kind", "status", "code"),
    [
        ("", b'{"message_id":"<x@y>","status":"5.1.1"}', "application/json", 404, "not-found"),
        ("", b'{"message_id":"<x@y>","status":"no"}', "application/json", 422, "invalid-value"),
        ("", b'{"status":"5.1.1"}', "application/json", 422, "required"),
        ("/report", b"Subject: x\r\n\r\nhello", "message/rfc822", 422, "no-delivery-report"),
        ("/report", b"", "message/rfc822", 422, "no-delivery-report"),
        ("/report", b"{}", "application/json", 415, "unsupported-media-type"),
        ("/report", notification_of(uuid4()), "message/rfc822", 404, "not-found"),
    ],
)
async def test_a_report_that_says_nothing_is_a_problem(
    notifier: LoneNotifier, http: httpx.AsyncClient, path: str, body: bytes, kind: str, status: int, code: str
) -> None:
    headers = {**notifier.operator, "content-type": kind}
    assert expect(status, await http.post(f"/v1/bounces{path}", content=body, headers=headers))["code"] == code


async def test_the_operator_can_have_an_address_erased(zoe: Learner) -> None:
    event = await zoe.earn()
    await zoe.until("sent")
    erase = {"json": {"email": zoe.address.upper()}, "headers": zoe.notifier.operator}
    assert expect(200, await zoe.http.post("/v1/learners/erase", **erase)) == {"credentials": 1}
    assert expect(200, await zoe.http.post("/v1/learners/erase", **erase)) == {"credentials": 0}
    await zoe.offer(event, "asked")
    assert (await zoe.until("suppressed", kind="claim-link"))["reason"] == "no-address"
    wrong = await zoe.http.post("/v1/learners/erase", json={"email": "a b@c"}, headers=zoe.notifier.operator)
    assert expect(422, wrong)["code"] == "invalid-email"


async def test_metrics_count_letters_and_the_mailer_is_ready(zoe: Learner) -> None:
    await zoe.earn()
    await zoe.until("sent")
    metrics = (await zoe.http.get("/metrics")).text
    assert re.search(r'mail_attempts_total\{kind="earned",state="sent"\} [1-9]', metrics)
    assert expect(200, await zoe.http.get("/readyz"))["checks"]["mailer"] == "ok"
