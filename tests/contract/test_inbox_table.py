"""The inbox's table: who was first, and days that come and go."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from shared.events.envelope import Envelope
from shared.events.ids import day_of, new_id
from shared.inbox import inbox
from shared.postgres.database import Database
from tests.contract.events import envelope_of, registered


def envelope(event_id: UUID | None = None, source: str = "/issuer") -> Envelope:
    made = envelope_of(registered(uuid4()), event_id)
    return Envelope(made.id, made.type, source, made.subject, made.time, made.sequence)


def id_of(day: date) -> UUID:
    """A UUIDv7 made on a day."""
    milliseconds = int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp() * 1000)
    return UUID(int=milliseconds << 80 | new_id().int & (1 << 80) - 1)


async def take(db: Database, *envelopes: Envelope) -> set[tuple[str, str]]:
    async with db.worker() as tx:
        return await inbox.take(tx, envelopes)


async def partitions(db: Database) -> set[str]:
    async with db.worker() as tx:
        rows = await tx.fetch(
            "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'inbox'::regclass"
        )
    return {row["name"] for row in rows}


async def turn(db: Database) -> None:
    async with db.worker() as tx:
        await inbox.turn(tx)


async def as_owner(db: Database, statement: str) -> None:
    owner = await asyncpg.connect(db.settings.owner_url)
    await owner.execute(statement)
    await owner.close()


def name_of(day: date) -> str:
    return f"inbox_{day:%Y%m%d}"


async def test_an_event_is_taken_once_by_source_and_id(database: Database) -> None:
    one, two = envelope(), envelope()
    same_id = envelope(one.id, source="/registry")
    assert await take(database, one, one) == {("/issuer", str(one.id))}
    assert await take(database, one, two, same_id) == {("/issuer", str(two.id)), ("/registry", str(one.id))}
    assert await take(database) == set()


async def test_what_a_rolled_back_transaction_took_is_free_again(database: Database) -> None:
    one = envelope()

    async def fail() -> None:
        async with database.worker() as tx:
            await inbox.take(tx, [one])
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert await take(database, one) == {("/issuer", str(one.id))}


@pytest.mark.parametrize("days", [-400, -29, 0, 7, 300])
async def test_an_event_of_any_day_is_remembered(database: Database, days: int) -> None:
    one = envelope(id_of(datetime.now(UTC).date() + timedelta(days=days)))
    assert len(await take(database, one)) == 1
    await turn(database)
    assert await take(database, one) == set()


async def test_an_id_of_another_version_is_remembered_too(database: Database) -> None:
    one = envelope(uuid4())
    assert day_of(one.id) == date(1970, 1, 1)
    assert len(await take(database, one)) == 1
    assert await take(database, one) == set()


async def test_partitions_are_made_ahead_and_dropped_after_thirty_days(database: Database) -> None:
    today = datetime.now(UTC).date()
    assert {name_of(today + timedelta(days=ahead)) for ahead in range(8)} <= await partitions(database)
    kept, old = today - timedelta(days=30), today - timedelta(days=31)
    for day in (kept, old):
        await as_owner(
            database,
            f"CREATE TABLE {name_of(day)} PARTITION OF inbox FOR VALUES FROM ('{day}') TO (date '{day}' + 1)",
        )
    await take(database, envelope(id_of(old)))
    await turn(database)
    assert name_of(old) not in await partitions(database)
    assert name_of(kept) in await partitions(database)


async def test_rows_in_the_default_partition_hold_nothing_up_and_go_after_thirty_days(database: Database) -> None:
    today = datetime.now(UTC).date()
    await as_owner(database, f"DROP TABLE {name_of(today)}")
    one = envelope(id_of(today))  # as when the service was down for longer than the partitions made ahead
    assert len(await take(database, one)) == 1
    await turn(database)
    assert await take(database, one) == set()
    await as_owner(database, "UPDATE inbox_default SET at = now() - interval '31 days'")
    await turn(database)
    assert len(await take(database, one)) == 1


async def test_turning_gives_way_to_a_busy_consumer_instead_of_holding_it_up(database: Database) -> None:
    today = datetime.now(UTC).date()
    await as_owner(database, f"DROP TABLE {name_of(today + timedelta(days=7))}")
    async with database.worker() as busy:
        await inbox.take(busy, [envelope()])
        with pytest.raises(asyncpg.LockNotAvailableError):
            await turn(database)
    await turn(database)
    assert name_of(today + timedelta(days=7)) in await partitions(database)
