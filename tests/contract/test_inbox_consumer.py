"""What the consumer promises: each event has its effect once, in order for its key, whatever the bus repeats."""

import random
from uuid import UUID, uuid4

import pytest

from shared.bus.port import Bus, CommitLost, Record
from shared.events.catalogue import CredentialRegistered
from shared.events.envelope import Envelope
from shared.events.ids import new_id
from shared.outbox import outbox
from shared.postgres.database import Database, Transaction, Unavailable
from shared.telemetry import metrics
from tests.contract.consuming import Effects, consuming
from tests.contract.events import cut_connections, eventually, publish, record_of, registered


@pytest.fixture
async def effects(database: Database) -> Effects:
    return await Effects.prepare(database)


def life(topic: str, subject: UUID, versions: int) -> list[Record]:
    """The records of versions 1 to `versions` of a subject."""
    return [record_of(topic, registered(subject, version)) for version in range(1, versions + 1)]


async def test_each_event_has_its_effect_once_in_order_although_every_record_comes_twice(
    bus: Bus, effects: Effects
) -> None:
    subjects = [uuid4() for _ in range(10)]
    lives = [life(effects.topic, subject, 8) for subject in subjects]
    sequences = [[*one, *one] for one in lives]  # all of a life, then all of it again
    chance, shuffled = random.Random(4), []
    while sequences:
        shuffled.append(chance.choice(sequences).pop(0))
        sequences = [one for one in sequences if one]
    await publish(bus, shuffled)
    async with consuming(effects.consumer(bus)):
        for subject in subjects:
            await effects.eventually(subject, list(range(1, 9)))
    assert await effects.parked() == []


async def test_the_same_event_published_again_later_has_no_second_effect(bus: Bus, effects: Effects) -> None:
    subject, event_id = uuid4(), new_id()
    first = record_of(effects.topic, registered(subject), event_id)
    await publish(bus, [first])
    async with consuming(effects.consumer(bus)):
        await effects.eventually(subject, [1])
        await publish(bus, [first, *life(effects.topic, subject, 2)[1:]])
        await effects.eventually(subject, [1, 2])


async def test_a_restarted_consumer_goes_on_where_the_group_was(bus: Bus, effects: Effects) -> None:
    subject = uuid4()
    records = life(effects.topic, subject, 6)
    await publish(bus, records[:3])
    async with consuming(effects.consumer(bus)):
        await effects.eventually(subject, [1, 2, 3])
    duplicates = metrics.EVENTS_CONSUMED.labels("credential.registered", "duplicate")._value.get()
    await publish(bus, records[3:])
    async with consuming(effects.consumer(bus)):
        await effects.eventually(subject, [1, 2, 3, 4, 5, 6])
    assert metrics.EVENTS_CONSUMED.labels("credential.registered", "duplicate")._value.get() == duplicates


async def test_a_handlers_own_events_are_committed_with_its_effect(bus: Bus, effects: Effects) -> None:
    async def announce(tx: Transaction, _: Envelope, event: CredentialRegistered) -> None:
        await outbox.append(tx, registered(event.credential_id, event.version + 100))

    effects.rule, subject = announce, uuid4()
    await publish(bus, life(effects.topic, subject, 3))
    async with consuming(effects.consumer(bus)):
        await effects.eventually(subject, [1, 2, 3])
        async with effects.db.worker() as tx:
            rows = await outbox.history(tx, None, 10)
    assert sorted(row["version"] for row in rows) == [101, 102, 103]
    assert effects.db.wakeup.is_set()


async def test_an_unknown_type_and_a_type_without_handler_are_ignored_and_counted(bus: Bus, effects: Effects) -> None:
    subject = uuid4()
    ignored = metrics.EVENTS_CONSUMED.labels("other", "ignored")
    before = ignored._value.get()
    foreign = record_of(effects.topic, registered(subject), ce_type=b"org.laurel.credential.framed.v1", value=b"??")
    unheard = record_of(effects.topic, registered(subject), ce_type=b"org.laurel.credential.issued.v1", value=b"{}")
    await publish(bus, [foreign, unheard, *life(effects.topic, subject, 1)])
    async with consuming(effects.consumer(bus)):
        await effects.eventually(subject, [1])
    assert ignored._value.get() == before + 2
    assert await effects.parked() == []


async def test_fields_that_a_newer_writer_added_are_ignored(bus: Bus, effects: Effects) -> None:
    event = registered(uuid4())
    value = event.to_value()[:-1] + b',"laurels":{"more":1}}'
    await publish(bus, [record_of(effects.topic, event, value=value)])
    async with consuming(effects.consumer(bus)):
        await effects.eventually(event.credential_id, [1])


class TestInfrastructure:
    async def test_trouble_of_the_database_never_parks_and_is_shown(self, bus: Bus, effects: Effects) -> None:
        left = 3

        async def be_away(*_: object) -> None:
            nonlocal left
            left -= 1
            if left > 0:
                raise Unavailable("the database is away")

        effects.rule, subject = be_away, uuid4()
        await publish(bus, life(effects.topic, subject, 2))
        consumer = effects.consumer(bus)
        async with consuming(consumer):
            await eventually(lambda: consumer.ready()[1] == "the database is away")
            await effects.eventually(subject, [1, 2])
            await eventually(lambda: consumer.ready() == (consumer.name, None))
        async with effects.db.worker() as tx:
            assert await tx.fetchval("SELECT count(*) FROM parked_event") == 0

    @pytest.mark.parametrize("trouble", ["SELECT pg_sleep(9)", "SELECT cut()"])
    async def test_a_statement_that_dies_in_a_handler_never_parks(
        self, bus: Bus, effects: Effects, trouble: str
    ) -> None:
        """A handler that fails for another reason too sends the batch the slow way, event by event."""
        tried: list[int] = []

        async def suffer(tx: Transaction, _: Envelope, event: CredentialRegistered) -> None:
            tried.append(event.version)
            if tried.count(2) == 1 and event.version == 2:
                raise ValueError("makes the batch be done again, event by event")
            if tried.count(2) == 2 and event.version == 2:
                await tx.execute(trouble)

        effects.rule, subject = suffer, uuid4()
        await publish(bus, life(effects.topic, subject, 3))
        async with consuming(effects.consumer(bus)):
            await effects.eventually(subject, [1, 2, 3], 20)
        async with effects.db.worker() as tx:
            assert await tx.fetchval("SELECT count(*) FROM parked_event") == 0

    async def test_cut_connections_cost_nothing(self, bus: Bus, effects: Effects) -> None:
        subject = uuid4()
        async with consuming(effects.consumer(bus)):
            for version in range(1, 6):
                await publish(bus, [record_of(effects.topic, registered(subject, version))])
                await cut_connections(effects.db)
            await effects.eventually(subject, [1, 2, 3, 4, 5])
        assert await effects.parked() == []

    async def test_a_commit_of_offsets_that_is_lost_repeats_records_and_no_effects(
        self, bus: Bus, effects: Effects, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        subject = uuid4()
        await publish(bus, life(effects.topic, subject, 3))
        lost = []
        probe = bus.subscribe("probe", [effects.topic], instance="probe")

        async def lose(_self: object, offsets: object) -> None:
            lost.append(offsets)
            raise CommitLost("taken over")

        with monkeypatch.context() as patched:
            patched.setattr(type(probe), "commit", lose)
            async with consuming(effects.consumer(bus)):
                await effects.eventually(subject, [1, 2, 3])
                await eventually(lambda: lost)
        await publish(bus, [record_of(effects.topic, registered(subject, 4))])
        async with consuming(effects.consumer(bus)):
            await effects.eventually(subject, [1, 2, 3, 4])
