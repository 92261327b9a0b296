"""What `shared.postgres.database` promises, on a real server."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import pytest

from shared.postgres.database import Database, DatabaseSettings, Unavailable
from tests.fixtures.postgres import Templates

ONE, OTHER = uuid4(), uuid4()


@pytest.fixture
async def settings(templates: Templates) -> AsyncIterator[DatabaseSettings]:
    """A database with a table of each kind; connecting and answering must be quick here."""
    async with templates.database("shared") as made:
        owner = await asyncpg.connect(made.owner_url)
        await owner.execute(
            "CREATE TABLE note"
            " (id uuid PRIMARY KEY, institution_id uuid NOT NULL, text text, facts jsonb, at timestamptz);"
            "SELECT laurel_protect('note')"
        )
        await owner.close()
        yield replace(made, acquire_timeout=0.5, command_timeout=1.0)


@pytest.fixture
async def db(settings: DatabaseSettings) -> AsyncIterator[Database]:
    async with Database.open(settings) as opened:
        yield opened


async def write_note(db: Database, institution: UUID, text: str = "text", owner: UUID | None = None) -> UUID:
    note = uuid4()
    async with db.tenant(institution) as tx:
        await tx.execute("INSERT INTO note VALUES ($1, $2, $3)", note, owner or institution, text)
    return note


async def fail_after(db: Database, statement: str, *args: object, callback: Callable[[], None] | None = None) -> None:
    """A transaction that does `statement` and then raises KeyError."""
    async with db.worker() as tx:
        if callback:
            tx.after_commit(callback)
        await tx.execute(statement, *args)
        raise KeyError("a rule said no")


async def texts(db: Database) -> set[str]:
    async with db.worker() as tx:
        return {row["text"] for row in await tx.fetch("SELECT text FROM note")}


class TestRoles:
    async def test_a_tenant_transaction_and_a_worker_transaction_run_as_their_roles(self, db: Database) -> None:
        async with db.tenant(ONE) as tenant, db.worker() as worker:
            assert await tenant.fetchval("SELECT current_user") == "laurel_tenant"
            assert await worker.fetchval("SELECT current_user") == "laurel_worker"

    async def test_a_tenant_sees_its_own_rows_only_and_a_worker_sees_all(self, db: Database) -> None:
        await write_note(db, ONE, "mine")
        await write_note(db, OTHER, "theirs")
        async with db.tenant(ONE) as tx:
            assert [row["text"] for row in await tx.fetch("SELECT text FROM note")] == ["mine"]
        assert await texts(db) == {"mine", "theirs"}

    async def test_a_tenant_cannot_change_or_delete_anothers_row(self, db: Database) -> None:
        await write_note(db, OTHER, "theirs")
        async with db.tenant(ONE) as tx:
            assert await tx.execute("UPDATE note SET text = 'taken'") == "UPDATE 0"
            assert await tx.execute("DELETE FROM note") == "DELETE 0"
        assert await texts(db) == {"theirs"}

    async def test_a_tenant_cannot_write_a_row_in_anothers_name(self, db: Database) -> None:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await write_note(db, ONE, owner=OTHER)
        assert await texts(db) == set()

    async def test_without_an_institution_there_are_no_rows_and_none_is_left_over(
        self, settings: DatabaseSettings
    ) -> None:
        async with Database.open(replace(settings, pool_size=1)) as db:
            await write_note(db, ONE)
            login = await asyncpg.connect(settings.url, server_settings={"role": "laurel_tenant"})
            assert await login.fetch("SELECT * FROM note") == []
            await login.close()
            async with db.tenant(OTHER) as tx:  # on the connection that served ONE before
                assert await tx.fetch("SELECT * FROM note") == []

    async def test_a_tenant_appends_to_the_outbox_and_cannot_read_it(self, db: Database) -> None:
        insert = "INSERT INTO outbox (event_id, topic, key, headers, value) VALUES ($1, 't', 'k', '[]', '')"
        async with db.tenant(ONE) as tx:
            await tx.execute(insert, uuid4())
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with db.tenant(ONE) as tx:
                await tx.fetch("SELECT * FROM outbox")

    async def test_nothing_but_a_uuid_reaches_the_statement_that_names_the_institution(self, db: Database) -> None:
        injected = "'; RESET ROLE; SELECT '"
        with pytest.raises(ValueError, match="UUID"):
            async with db.tenant(injected):  # type: ignore[arg-type]
                pass


class TestTransactions:
    async def test_what_a_failed_transaction_wrote_is_undone(self, db: Database) -> None:
        with pytest.raises(KeyError):
            await fail_after(db, "INSERT INTO note VALUES ($1, $2)", uuid4(), ONE)
        assert await texts(db) == set()

    async def test_a_savepoint_undoes_what_happened_inside_and_only_that(self, db: Database) -> None:
        async with db.worker() as tx:
            await tx.execute("INSERT INTO note VALUES ($1, $2, 'before')", uuid4(), ONE)
            with pytest.raises(asyncpg.UniqueViolationError):
                async with tx.savepoint():
                    await tx.executemany("INSERT INTO note VALUES ($1, $2, 'inside')", [(ONE, ONE), (ONE, ONE)])
            await tx.execute("INSERT INTO note VALUES ($1, $2, 'after')", uuid4(), ONE)
        assert await texts(db) == {"before", "after"}

    async def test_savepoints_may_be_nested(self, db: Database) -> None:
        async with db.worker() as tx, tx.savepoint():
            await tx.execute("INSERT INTO note VALUES ($1, $2, 'outer')", uuid4(), ONE)
            with pytest.raises(asyncpg.UniqueViolationError):
                async with tx.savepoint():
                    await tx.executemany("INSERT INTO note VALUES ($1, $2, 'inner')", [(ONE, ONE), (ONE, ONE)])
        assert await texts(db) == {"outer"}

    async def test_trouble_of_the_database_inside_a_savepoint_is_unavailable_there(self, db: Database) -> None:
        async with db.worker() as tx:
            with pytest.raises(Unavailable):
                async with tx.savepoint():
                    await tx.execute("SELECT pg_sleep(5)")
            assert await tx.fetchval("SELECT 1") == 1

    async def test_after_commit_is_called_once_after_the_commit_and_never_without_it(self, db: Database) -> None:
        calls: list[str] = []

        def call() -> None:
            calls.append("committed")

        with pytest.raises(KeyError):
            await fail_after(db, "SELECT 1", callback=call)
        async with db.worker() as tx:
            tx.after_commit(call)
            tx.after_commit(call)
            assert calls == []
        assert calls == ["committed"]

    async def test_each_statement_of_a_worker_connection_commits_by_itself(self, db: Database) -> None:
        async with db.worker_connection() as connection:
            await connection.execute("INSERT INTO note VALUES ($1, $2, 'kept')", uuid4(), ONE)
            assert await texts(db) == {"kept"}

    async def test_json_times_and_ids_come_back_as_they_went_in(self, db: Database) -> None:
        note, at, facts = uuid4(), datetime(2026, 2, 28, 23, 59, tzinfo=UTC), {"a": [1, None, "é"]}
        async with db.worker() as tx:
            await tx.execute("INSERT INTO note VALUES ($1, $2, '', $3, $4)", note, ONE, facts, at)
            row = await tx.fetchrow("SELECT * FROM note")
        assert row is not None
        assert (type(row["id"]), row["id"].int, row["facts"], row["at"]) == (type(row["id"]), note.int, facts, at)
        assert row["at"].tzinfo is not None


class TestTrouble:
    async def test_opening_succeeds_and_calls_are_unavailable_while_the_server_is_away(self) -> None:
        nowhere = "postgresql://nobody:x@127.0.0.1:1/none"
        async with Database.open(DatabaseSettings(url=nowhere, owner_url=nowhere)) as db:
            with pytest.raises(Unavailable):
                await db.ping()

    async def test_a_database_that_is_not_made_yet_is_unavailable(self, settings: DatabaseSettings) -> None:
        async with Database.open(replace(settings, url=settings.url + "_not_made")) as db:
            with pytest.raises(Unavailable):
                await db.ping()

    async def test_an_exhausted_pool_is_unavailable_within_the_acquire_timeout(
        self, settings: DatabaseSettings
    ) -> None:
        async with Database.open(replace(settings, pool_size=1)) as db, db.worker():
            began = time.monotonic()
            with pytest.raises(Unavailable):
                await db.ping()
            assert time.monotonic() - began < 1.0

    async def test_a_statement_that_takes_too_long_is_unavailable_and_the_pool_recovers(self, db: Database) -> None:
        with pytest.raises(Unavailable):
            async with db.worker() as tx:
                await tx.execute("SELECT pg_sleep(5)")
        await db.ping()

    async def test_a_connection_lost_at_commit_is_unavailable(self, db: Database, settings: DatabaseSettings) -> None:
        owner = await asyncpg.connect(settings.owner_url)
        await owner.execute(
            "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
            " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;"
            "CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON note DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION cut()"
        )
        await owner.close()
        with pytest.raises(Unavailable):
            await write_note(db, ONE)
        await db.ping()

    @pytest.mark.parametrize("pause", [0, 0.2])  # before and after the driver has noticed
    async def test_a_transaction_left_idle_is_ended_so_that_its_locks_hold_nobody_up(
        self, db: Database, settings: DatabaseSettings, pause: float
    ) -> None:
        note = await write_note(db, ONE)
        other = await asyncpg.connect(settings.owner_url)

        async def lie_idle() -> None:
            async with db.worker() as tx:
                await tx.execute("UPDATE note SET text = 'mine' WHERE id = $1", note)
                await other.execute("UPDATE note SET text = 'theirs' WHERE id = $1", note, timeout=10)
                await asyncio.sleep(pause)
                await tx.execute("SELECT 1")

        with pytest.raises(Unavailable):
            await lie_idle()
        await other.close()
        async with db.worker() as tx:
            assert await tx.fetchval("SELECT text FROM note WHERE id = $1", note) == "theirs"

    async def test_a_deadlock_is_unavailable_because_trying_again_helps(self, settings: DatabaseSettings) -> None:
        async with Database.open(replace(settings, command_timeout=5)) as db:
            first, second = await write_note(db, ONE), await write_note(db, ONE)
            reached = asyncio.Barrier(2)

            async def lock_both(one: UUID, two: UUID) -> None:
                async with db.worker() as tx:
                    await tx.execute("SELECT FROM note WHERE id = $1 FOR UPDATE", one)
                    await reached.wait()
                    await tx.execute("SELECT FROM note WHERE id = $1 FOR UPDATE", two)

            outcomes = await asyncio.gather(lock_both(first, second), lock_both(second, first), return_exceptions=True)
            assert sorted(type(outcome) for outcome in outcomes if outcome) == [Unavailable]

    async def test_a_row_locked_by_another_request_is_told_apart_from_an_outage(
        self, settings: DatabaseSettings
    ) -> None:
        async with Database.open(replace(settings, command_timeout=5)) as db:
            await write_note(db, ONE)
            async with db.tenant(ONE) as first:
                await first.execute("SELECT FROM note FOR UPDATE")
                with pytest.raises(asyncpg.LockNotAvailableError):
                    async with db.tenant(ONE) as second:
                        await second.execute("SELECT FROM note FOR UPDATE")

    @pytest.mark.parametrize("error", [TimeoutError, ConnectionResetError, asyncio.CancelledError])
    async def test_an_error_of_the_callers_own_is_passed_on(self, db: Database, error: type[BaseException]) -> None:
        with pytest.raises(error):
            async with db.worker():
                raise error
        await db.ping()

    async def test_a_wrong_use_of_the_driver_is_not_an_outage(self, db: Database) -> None:
        with pytest.raises(asyncpg.InterfaceError):
            async with db.worker() as tx:
                await tx.fetch("SELECT $1::int", 1, 2)
        with pytest.raises(asyncpg.DataError):
            async with db.worker() as tx:
                await tx.fetch("SELECT $1::int", 2**40)
