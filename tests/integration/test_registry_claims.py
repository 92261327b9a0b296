"""When links are sent: once for what is new, seldom for what is asked for, never for what is told again."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from services.registry.commands.rebuild_projections import rebuild_projections
from services.registry.commands.unshare_credential import unshare_credential
from services.registry.domain.claim import ExpiredCode, UnknownCode, UsedCode, digest
from services.registry.store import claims, learner_tokens
from shared.events.catalogue import LearnerErased
from shared.events.ids import new_id
from shared.postgres.database import Database
from tests.fixtures.postgres import Templates
from tests.integration.learner_events import NOW, OFFERER, claim, issued_to, offer, platform, share, take, told
from tests.integration.registry_events import ACHIEVEMENT, INSTITUTION


@pytest.fixture
async def db(templates: Templates) -> AsyncIterator[Database]:
    async with templates.copy("registry") as database:
        yield database


async def ask(db: Database, credential_id: UUID) -> None:
    async with db.worker() as tx:
        await claims.ask(tx, credential_id)


async def waiting(db: Database) -> int:
    async with db.worker() as tx:
        return int(await tx.fetchval("SELECT count(*) FROM claim_request"))


async def test_a_new_credential_with_an_address_is_offered_once(db: Database) -> None:
    with_address, without = uuid4(), uuid4()
    await take(db, issued_to(with_address), issued_to(without, email=None))
    ((occasion, link),) = await offer(db)
    assert occasion == "issued"
    assert link.startswith(f"https://registry.example/claim#{with_address}.")
    (event,) = await told(db, "claim.offered")
    assert (event["version"], event["credential_id"]) == (2, str(with_address)), "credential.registered was the first"
    assert await offer(db) == []
    assert await waiting(db) == 0


async def test_the_code_itself_is_kept_nowhere(db: Database) -> None:
    await take(db, issued_to(uuid4()))
    ((_, link),) = await offer(db)
    code = link.rpartition(".")[2]
    async with db.worker() as tx:
        for table in ("claim", "claim_code", "claim_request", "event_history", "outbox"):
            rows = await tx.fetch(f"SELECT t::text AS text FROM {table} t")
            assert not [row for row in rows if code in row["text"] or code.encode().hex() in row["text"]]
        assert await tx.fetchval("SELECT digest FROM claim_code") == digest(code)


async def test_a_replay_and_a_rebuild_send_no_letter(db: Database) -> None:
    credential_id, event_id = uuid4(), new_id()
    await take(db, issued_to(credential_id), ids=[event_id])
    ((_, link),) = await offer(db)
    token = await claim(db, link)
    await take(db, issued_to(credential_id), ids=[event_id])
    await rebuild_projections(db)
    await take(db, issued_to(credential_id), ids=[event_id])
    assert await offer(db) == []
    async with db.worker() as tx:
        assert await learner_tokens.find(tx, digest(token), NOW) == credential_id


async def test_a_database_that_was_lost_is_rebuilt_without_letters_but_learners_can_ask(db: Database) -> None:
    credential_id = uuid4()
    await take(db, issued_to(credential_id), at=NOW - timedelta(days=15))
    assert await offer(db) == []
    await ask(db, credential_id)
    assert [occasion for occasion, _ in await offer(db)] == ["asked"]


async def test_what_was_recorded_before_there_were_claims_can_be_asked_for_after_a_rebuild(db: Database) -> None:
    credential_id, event_id = uuid4(), new_id()
    await take(db, issued_to(credential_id, email=None), ids=[event_id])
    await rebuild_projections(db)
    await take(db, issued_to(credential_id), ids=[event_id])
    assert await offer(db) == []
    await ask(db, credential_id)
    assert len(await offer(db)) == 1


async def test_who_asks_is_sent_a_link_each_five_minutes_and_five_a_day(db: Database) -> None:
    credential_id = uuid4()
    await take(db, issued_to(credential_id))
    sent = [len(await offer(db))]
    for minutes in (1, 4, 6, 7, 12, 18, 24, 30, 60 * 24 + 13):
        for _ in range(3):
            await ask(db, credential_id)
        sent.append(len(await offer(db, NOW + timedelta(minutes=minutes))))
    assert sent == [1, 0, 0, 1, 0, 1, 1, 1, 0, 1]


async def test_nothing_comes_of_asking_for_what_has_no_address_or_does_not_exist(db: Database) -> None:
    silent = uuid4()
    await take(db, issued_to(silent, email=None))
    for credential_id in (silent, uuid4()):
        await ask(db, credential_id)
    assert await offer(db) == []
    assert await waiting(db) == 0


async def test_a_request_waits_while_its_credential_is_being_changed(db: Database) -> None:
    held, free = uuid4(), uuid4()
    await take(db, issued_to(held), issued_to(free))
    async with db.worker() as tx:
        await claims.lock(tx, held)
        ((_, link),) = await asyncio.wait_for(offer(db), 3)
        assert str(free) in link
    ((_, link),) = await offer(db)
    assert str(held) in link


async def test_two_workers_at_once_send_one_link(db: Database) -> None:
    await take(db, *(issued_to(uuid4()) for _ in range(20)))

    async def work() -> None:
        async with db.worker() as tx:
            await OFFERER.offer_claims(tx, 1000, now=NOW)

    await asyncio.gather(*(work() for _ in range(4)))
    assert len(await told(db, "claim.offered")) == 20


async def test_a_code_yields_one_token_and_the_first_is_announced(db: Database) -> None:
    credential_id = uuid4()
    await take(db, issued_to(credential_id))
    ((_, link),) = await offer(db)
    await claim(db, link)
    with pytest.raises(UsedCode):
        await claim(db, link)
    await ask(db, credential_id)
    ((_, second),) = await offer(db, NOW + timedelta(hours=1))
    await claim(db, second)
    (event,) = await told(db, "credential.claimed")
    assert (event["credential_id"], event["version"]) == (str(credential_id), 3)
    assert event["achievement_id"] == str(ACHIEVEMENT)


async def test_of_many_uses_at_once_one_succeeds(db: Database) -> None:
    await take(db, issued_to(uuid4()))
    ((_, link),) = await offer(db)
    outcomes = await asyncio.gather(*(claim(db, link) for _ in range(8)), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["UsedCode"] * 7 + ["str"]
    async with db.worker() as tx:
        assert await tx.fetchval("SELECT count(*) FROM learner_token") == 1


async def test_codes_and_tokens_run_out(db: Database) -> None:
    credential_id = uuid4()
    await take(db, issued_to(credential_id))
    ((_, link),) = await offer(db)
    with pytest.raises(ExpiredCode):
        await claim(db, link, NOW + timedelta(days=30))
    token = await claim(db, link, NOW + timedelta(days=29))
    async with db.worker() as tx:
        assert await learner_tokens.find(tx, digest(token), NOW + timedelta(days=58)) == credential_id
        assert await learner_tokens.find(tx, digest(token), NOW + timedelta(days=59)) is None
        await learner_tokens.purge(tx, NOW + timedelta(days=59))
        assert await tx.fetchval("SELECT count(*) FROM learner_token") == 0
    with pytest.raises(UsedCode):
        await claim(db, link, NOW + timedelta(days=59))
    async with db.worker() as tx:
        await learner_tokens.purge(tx, NOW + timedelta(days=61))
    with pytest.raises(UnknownCode):
        await claim(db, link, NOW + timedelta(days=61))


def erased(credential_id: UUID) -> LearnerErased:
    return LearnerErased(version=2, credential_id=credential_id, institution_id=INSTITUTION, erased_at=NOW)


async def test_the_links_of_an_erased_learner_lead_nowhere_and_no_more_are_sent(db: Database) -> None:
    gone, stays = uuid4(), uuid4()
    await take(db, issued_to(gone), issued_to(stays))
    links = {link.partition("#")[2].partition(".")[0]: link for _, link in await offer(db)}
    await take(db, erased(gone))
    with pytest.raises(UnknownCode):
        await claim(db, links[str(gone)])
    await claim(db, links[str(stays)])
    for credential_id in (gone, stays):
        await ask(db, credential_id)
    later = await offer(db, NOW + timedelta(hours=1))
    assert [str(stays) in link for _, link in later] == [True]
    assert await waiting(db) == 0


async def test_a_link_that_is_being_made_is_ended_too(db: Database) -> None:
    credential_id = uuid4()
    await take(db, issued_to(credential_id))
    async with db.worker() as tx:
        await OFFERER.offer_claims(tx, 10, now=NOW)
        erasing = asyncio.create_task(take(db, erased(credential_id)))
        await asyncio.sleep(0.2)
        assert not erasing.done()
    await erasing
    async with db.worker() as tx:
        assert await tx.fetchval("SELECT count(*) FROM claim_code") == 0


async def test_an_erased_learner_keeps_token_and_shares_until_they_are_given_up(db: Database) -> None:
    credential_id, where = uuid4(), await platform(db)
    await take(db, issued_to(credential_id))
    ((_, link),) = await offer(db)
    token = await claim(db, link)
    await share(db, credential_id, where)
    await take(db, erased(credential_id))
    async with db.worker() as tx:
        assert await learner_tokens.find(tx, digest(token), NOW) == credential_id
        assert (await unshare_credential(tx, credential_id, where, now=NOW)).state == "withdrawn"
    assert len(await told(db, "credential.unshared")) == 1


async def test_an_erasure_before_anything_could_be_claimed_is_nothing(db: Database) -> None:
    silent = uuid4()
    await take(db, issued_to(silent, email=None), erased(silent), erased(uuid4()))
    assert await offer(db) == []


async def test_a_rebuild_sends_an_erased_learner_no_letter(db: Database) -> None:
    credential_id, ids = uuid4(), [new_id(), new_id()]
    await take(db, issued_to(credential_id), erased(credential_id), ids=ids)
    await rebuild_projections(db)
    await take(db, issued_to(credential_id, email=None), erased(credential_id), ids=ids)
    await ask(db, credential_id)
    assert await offer(db) == []
