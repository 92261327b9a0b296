"""Poison: it is set aside with its key, everything else flows, and order holds when it is redriven."""

import time
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import orjson
import pytest

from shared.bus.port import Bus, Record
from shared.events.catalogue import CredentialRegistered
from shared.events.envelope import Envelope
from shared.inbox import inbox, parking
from shared.inbox.dispatch import InvalidMessage
from shared.postgres.database import Database, Transaction
from tests.contract.consuming import Effects, consuming
from tests.contract.events import publish, record_of, registered

POISON: dict[str, tuple[str, dict[str, bytes | None]]] = {
    "bad JSON": ("invalid-event", {"value": b"{not json"}),
    "not UTF-8": ("invalid-event", {"value": b'{"version":"\xff"}'}),
    "a field is missing": ("invalid-event", {"value": b'{"version":1}'}),
    "no value": ("invalid-event", {"value": b" "}),
    "900 kB of nothing": ("invalid-event", {"value": b" " * 900_000}),
    "no ce_id": ("missing-attribute", {"ce_id": None}),
    "ce_id is no UUID": ("malformed-attribute", {"ce_id": b"42"}),
    "ce_time has no zone": ("malformed-attribute", {"ce_time": b"2026-01-01T00:00:00"}),
    "NUL in the type": ("malformed-attribute", {"ce_type": b"a\x00b"}),
    "NUL in the source": ("malformed-attribute", {"ce_source": b"/a\x00b"}),
    "an id of the year 10889": ("handler-failed", {"ce_id": b"ffffffff-ffff-7000-8000-000000000000"}),
}


@pytest.fixture
async def effects(database: Database) -> Effects:
    return await Effects.prepare(database)


def events(topic: str, subject: UUID, *versions: int) -> list[Record]:
    return [record_of(topic, registered(subject, version)) for version in versions]


def refusing(version: int, reason: str = "unknown-achievement") -> Callable[..., Awaitable[None]]:
    """A rule by which one version will never be handled."""

    async def rule(tx: Transaction, _: Envelope, event: CredentialRegistered) -> None:
        if event.version == version:
            raise InvalidMessage(reason, "a rule says no")

    return rule


@pytest.mark.parametrize("kind", POISON)
async def test_an_unreadable_record_is_parked_with_its_key_and_other_keys_flow(
    bus: Bus, effects: Effects, kind: str
) -> None:
    reason, changed = POISON[kind]
    ill, well = uuid4(), uuid4()
    poison = record_of(effects.topic, registered(ill, 2), **changed)
    await publish(
        bus,
        [*events(effects.topic, ill, 1), poison, *events(effects.topic, ill, 3), *events(effects.topic, well, 1, 2)],
    )
    async with consuming(effects.consumer(bus)):
        await effects.eventually(well, [1, 2])
        await effects.eventually_parked((ill, reason), (ill, "behind"))
        assert await effects.of(ill) == [1]


async def test_what_a_handler_refuses_is_parked_at_once_and_leaves_nothing_behind(bus: Bus, effects: Effects) -> None:
    subject, well = uuid4(), uuid4()
    effects.rule = refusing(2)
    await publish(bus, [*events(effects.topic, subject, 1, 2, 3), *events(effects.topic, well, 1)])
    async with consuming(effects.consumer(bus)):
        await effects.eventually_parked((subject, "unknown-achievement"), (subject, "behind"))
        await effects.eventually(well, [1])
        assert await effects.of(subject) == [1]
        await publish(bus, events(effects.topic, subject, 4))
        await effects.eventually_parked((subject, "unknown-achievement"), (subject, "behind"), (subject, "behind"))
    async with effects.db.worker() as tx:
        assert (await parking.list_parked(tx, 0, 1))[0]["tries"] == 0


async def test_a_failing_handler_is_tried_three_times_more_and_then_waits_for_a_person(
    bus: Bus, effects: Effects
) -> None:
    tried: list[float] = []

    async def fail(tx: Transaction, _: Envelope, event: CredentialRegistered) -> None:
        if event.version == 1:
            tried.append(time.monotonic())
            await tx.execute("SELECT 1 / 0")

    effects.rule, subject = fail, uuid4()
    await publish(bus, events(effects.topic, subject, 1, 2))
    async with consuming(effects.consumer(bus)):
        await effects.eventually_parked((subject, "handler-failed"), (subject, "behind"))
    async with effects.db.worker() as tx:
        head = (await parking.list_parked(tx, 0, 1))[0]
    assert (head["tries"], head["retry_at"]) == (3, None)
    assert "division by zero" in head["detail"]
    waits = [later - earlier for earlier, later in zip(tried[-4:], tried[-3:], strict=False)]
    assert [round(wait, 1) >= least for wait, least in zip(waits, (0.1, 0.5, 2.0), strict=True)] == [True] * 3


async def test_a_handler_that_recovers_goes_on_by_itself_in_order(bus: Bus, effects: Effects) -> None:
    left = 4  # the batch, the event alone, two retries

    async def fail_at_first(tx: Transaction, _: Envelope, event: CredentialRegistered) -> None:
        nonlocal left
        if event.version == 2 and (left := left - 1) > 0:
            raise KeyError("not there yet")

    effects.rule, subject = fail_at_first, uuid4()
    await publish(bus, events(effects.topic, subject, 1, 2, 3, 4))
    async with consuming(effects.consumer(bus)):
        await effects.eventually(subject, [1, 2, 3, 4])
        await publish(bus, events(effects.topic, subject, 5))
        await effects.eventually(subject, [1, 2, 3, 4, 5])
    assert await effects.parked() == []


async def test_a_redrive_handles_the_key_in_order_and_stops_at_what_still_fails(bus: Bus, effects: Effects) -> None:
    subject, other = uuid4(), uuid4()
    effects.rule = refusing(2)
    await publish(bus, [*events(effects.topic, subject, 1, 2, 3, 4, 5), *events(effects.topic, other, 2)])
    async with consuming(effects.consumer(bus)):
        await effects.eventually_parked(
            (subject, "unknown-achievement"), *[(subject, "behind")] * 3, (other, "unknown-achievement")
        )
        effects.rule = refusing(4, "still-unknown")
        place = (effects.topic, str(subject))
        async with effects.db.worker() as tx:
            done, failure = await parking.redrive(tx, effects.group, place, effects.handlers())
        assert (done, failure and failure.reason) == (2, "still-unknown")
        assert await effects.of(subject) == [1, 2, 3]
        await publish(bus, events(effects.topic, subject, 6))
        await effects.eventually_parked(
            (subject, "still-unknown"), (subject, "behind"), (other, "unknown-achievement"), (subject, "behind")
        )
        effects.rule = None
        async with effects.db.worker() as tx:
            assert await parking.redrive(tx, effects.group, place, effects.handlers()) == (3, None)
        await publish(bus, events(effects.topic, subject, 7))
        await effects.eventually(subject, [1, 2, 3, 4, 5, 6, 7])
    assert await effects.parked() == [(str(other), "unknown-achievement")]


async def test_redriving_and_new_events_of_the_key_at_the_same_moment_keep_order(bus: Bus, effects: Effects) -> None:
    subject = uuid4()
    place = (effects.topic, str(subject))
    effects.rule = refusing(1)
    await publish(bus, events(effects.topic, subject, 1))
    async with consuming(effects.consumer(bus)):
        await effects.eventually_parked((subject, "unknown-achievement"))
        effects.rule = None
        async with effects.db.worker() as tx:  # open while new events arrive
            await parking.redrive(tx, effects.group, place, effects.handlers())
            await publish(bus, events(effects.topic, subject, 2, 3))
            await tx.execute("SELECT pg_sleep(1)")
        await effects.eventually(subject, [1, 2, 3])
    assert await effects.parked() == []


async def test_outside_watchers_get_a_notice_without_the_events_value(bus: Bus, effects: Effects) -> None:
    subject = uuid4()
    effects.rule = refusing(1)
    await publish(bus, events(effects.topic, subject, 1, 2))
    async with consuming(effects.consumer(bus)):
        await effects.eventually_parked((subject, "unknown-achievement"), (subject, "behind"))
    async with effects.db.worker() as tx:
        (row,) = await tx.fetch("SELECT * FROM outbox")
    assert (row["topic"], row["key"]) == (f"{effects.group}.dead-letter", str(subject))
    notice = orjson.loads(row["value"])
    assert {"topic", "partition", "offset", "event_id", "type", "reason"} == notice.keys()
    assert (notice["type"], notice["reason"]) == (CredentialRegistered.TYPE, "unknown-achievement")
    headers = dict(row["headers"])
    assert headers["ce_type"] == parking.NOTICE_TYPE
    assert headers["ce_id"] != notice["event_id"]


async def test_a_redriven_events_value_is_gone(bus: Bus, effects: Effects) -> None:
    subject = uuid4()
    effects.rule = refusing(1)
    await publish(bus, events(effects.topic, subject, 1))
    async with consuming(effects.consumer(bus)):
        await effects.eventually_parked((subject, "unknown-achievement"))
    effects.rule = None
    async with effects.db.worker() as tx:
        await parking.redrive(tx, effects.group, (effects.topic, str(subject)), effects.handlers())
        row = await tx.fetchrow("SELECT value, detail, redriven_at FROM parked_event")
        assert row is not None
        assert (row["value"], row["detail"]) == (b"", "")
        await tx.execute("UPDATE parked_event SET redriven_at = now() - interval '31 days'")
        await parking.forget_redriven(tx, inbox.KEEP_DAYS)
        assert await tx.fetchval("SELECT count(*) FROM parked_event") == 0
