"""What `shared.postgres.migrations` promises, and what every table of every service has to be."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from shared.postgres.database import Database, DatabaseSettings
from shared.postgres.migrations import BASE, MigrationError, migrate, migrate_patiently
from tests.fixtures.postgres import Templates

NAMES = ["shared", "issuer", "registry", "verifier", "notifier"]
BASE_FILES = [f"shared/{file.name}" for file in sorted(BASE.glob("*.sql"))]


@pytest.fixture
async def blank(templates: Templates) -> AsyncIterator[DatabaseSettings]:
    """An empty database, and URLs of its owner and of a login that does not exist yet."""
    async with templates.blank() as name:
        app = templates.server.app_url(name).replace("laurel_test:", f"laurel_{uuid4().hex[:8]}:")
        yield DatabaseSettings(url=app, owner_url=templates.server.owner_url(name))
        owner = await asyncpg.connect(templates.server.url)
        login = app.split("//")[1].split(":")[0]
        await owner.execute(f'DROP ROLE IF EXISTS "{login}"')
        await owner.close()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where a service called `thing` keeps its migrations; there is one."""
    made = tmp_path / "thing" / "migrations"
    made.mkdir(parents=True)
    (made / "0001_first.sql").write_text("CREATE TABLE first (id int)")
    return made


async def run(blank: DatabaseSettings, *directories: Path) -> list[str]:
    return await migrate(blank.owner_url, blank.url, directories)


class TestRunning:
    async def test_each_file_is_applied_once_the_shared_ones_first(
        self, blank: DatabaseSettings, directory: Path
    ) -> None:
        assert await run(blank, directory) == [*BASE_FILES, "thing/0001_first.sql"]
        assert await run(blank, directory) == []
        (directory / "0002_second.sql").write_text("CREATE TABLE second (id int)")
        assert await run(blank, directory) == ["thing/0002_second.sql"]

    async def test_two_runners_at_once_apply_each_file_once(self, blank: DatabaseSettings, directory: Path) -> None:
        both = await asyncio.gather(run(blank, directory), run(blank, directory))
        assert sorted(both, key=len) == [[], [*BASE_FILES, "thing/0001_first.sql"]]

    async def test_a_file_that_fails_leaves_nothing_behind_and_is_named(
        self, blank: DatabaseSettings, directory: Path
    ) -> None:
        broken = directory / "0002_broken.sql"
        broken.write_text("CREATE TABLE half (id int); SELECT nonsense")
        with pytest.raises(MigrationError, match=r"thing/0002_broken\.sql: column"):
            await run(blank, directory)
        broken.write_text("CREATE TABLE half (id int)")
        assert await run(blank, directory) == ["thing/0002_broken.sql"]

    async def test_a_file_changed_after_it_was_applied_is_refused(
        self, blank: DatabaseSettings, directory: Path
    ) -> None:
        await run(blank, directory)
        (directory / "0001_first.sql").write_text("CREATE TABLE first (id bigint)")
        with pytest.raises(MigrationError, match=r"thing/0001_first\.sql was changed"):
            await run(blank, directory)

    async def test_a_file_that_vanished_is_refused(self, blank: DatabaseSettings, directory: Path) -> None:
        (directory / "0002_second.sql").write_text("CREATE TABLE second (id int)")
        await run(blank, directory)
        (directory / "0001_first.sql").unlink()
        with pytest.raises(MigrationError, match=r"no longer shipped: 0001_first\.sql"):
            await run(blank, directory)

    async def test_the_release_before_starts_on_the_newer_schema(
        self, blank: DatabaseSettings, directory: Path
    ) -> None:
        newer = directory / "0002_second.sql"
        newer.write_text("CREATE TABLE second (id int)")
        await run(blank, directory)
        newer.unlink()
        assert await run(blank, directory) == []

    async def test_a_locked_table_is_waited_for_without_holding_up_traffic(
        self, blank: DatabaseSettings, directory: Path
    ) -> None:
        await run(blank, directory)
        (directory / "0002_wider.sql").write_text("ALTER TABLE first ADD COLUMN name text")
        reader = await asyncpg.connect(blank.owner_url)
        transaction = reader.transaction()
        await transaction.start()
        await reader.execute("SELECT * FROM first")
        migrating = asyncio.create_task(run(blank, directory))
        await asyncio.sleep(2.3)  # past the first lock timeout
        await asyncio.wait_for(_read_first(blank), 0.5)  # nobody queues behind the migration while it pauses
        await transaction.commit()
        await reader.close()
        assert await migrating == ["thing/0002_wider.sql"]

    async def test_a_service_waits_for_a_database_that_is_made_later(self, templates: Templates) -> None:
        name = f"laurel_later_{uuid4().hex[:8]}"
        server = templates.server
        migrating = asyncio.create_task(migrate_patiently(server.owner_url(name), server.app_url(name), []))
        await asyncio.sleep(0.3)
        assert not migrating.done()
        await server.run(f"CREATE DATABASE {name}")
        assert await asyncio.wait_for(migrating, 5) == BASE_FILES
        await server.run(f"DROP DATABASE {name} WITH (FORCE)")


class TestRoles:
    async def test_the_login_is_made_with_the_urls_password_which_may_change(self, blank: DatabaseSettings) -> None:
        for password in ("first", "it%27s%20%22quoted%22%3A%40%2F"):
            url = blank.url.replace(":laurel-test-password@", f":{password}@")
            await migrate(blank.owner_url, url, [])
            async with Database.open(DatabaseSettings(url=url, owner_url=blank.owner_url)) as db:
                await db.ping()

    async def test_an_owner_that_is_no_superuser_can_migrate(
        self, blank: DatabaseSettings, directory: Path, templates: Templates
    ) -> None:
        database, owner = blank.owner_url.rpartition("/")[2], f"laurel_owner_{uuid4().hex[:8]}"
        # Roles made earlier by another owner, as on a server shared by services, belong to that one.
        await templates.server.run(f"CREATE ROLE {owner} LOGIN CREATEROLE PASSWORD 'own'")
        await templates.server.run(f"GRANT laurel_tenant, laurel_worker TO {owner} WITH ADMIN OPTION")
        await templates.server.run(f'ALTER DATABASE "{database}" OWNER TO {owner}')
        url = blank.url.replace(blank.url.split("//")[1].split("@")[0], f"{owner}:own")
        (directory / "0002_notes.sql").write_text(
            "CREATE TABLE note (institution_id uuid); SELECT laurel_protect('note'); INSERT INTO lease VALUES"
            " ('test', gen_random_uuid(), now())"
        )
        assert await migrate(url, blank.url, [directory]) == [*BASE_FILES, *_labelled(directory)]
        async with Database.open(blank) as db, db.worker() as tx:
            await tx.execute("SELECT laurel_turn_inbox(30)")
        await templates.server.run(f'ALTER DATABASE "{database}" OWNER TO CURRENT_USER')
        await _drop_owner(templates, blank, owner)

    async def test_the_application_may_not_log_in_as_the_owner(self, blank: DatabaseSettings) -> None:
        with pytest.raises(MigrationError, match="as the owner"):
            await migrate(blank.owner_url, blank.owner_url, [])


@pytest.mark.parametrize("service", NAMES)
class TestEveryTable:
    async def test_the_application_owns_nothing(self, templates: Templates, service: str) -> None:
        async with templates.copy(service) as db, db.worker() as tx:
            owned = await tx.fetch(
                "SELECT relname FROM pg_class WHERE relowner IN (SELECT oid FROM pg_roles WHERE rolname ="
                " ANY(ARRAY[session_user, 'laurel_tenant', 'laurel_worker']))"
            )
        assert owned == []

    async def test_tables_with_tenants_force_row_level_security(self, templates: Templates, service: str) -> None:
        async with templates.copy(service) as db, db.worker() as tx:
            bare = await tx.fetch(
                "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname ="
                " 'institution_id' WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace"
                " AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"
            )
        assert [row["relname"] for row in bare] == []

    async def test_a_tenant_can_touch_a_table_only_under_row_level_security_or_blindly(
        self, templates: Templates, service: str
    ) -> None:
        """Without row-level security a tenant may at most append, as to the outbox, and so learns nothing."""
        async with templates.copy(service) as db, db.worker() as tx:
            open_tables = await tx.fetch(
                "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm')"
                " AND relnamespace = 'public'::regnamespace AND NOT relrowsecurity"
                " AND has_table_privilege('laurel_tenant', oid, 'SELECT, UPDATE, DELETE')"
            )
        assert {row["relname"] for row in open_tables} <= PUBLIC_TABLES


# What a tenant may read although it is nobody's in particular.
PUBLIC_TABLES: set[str] = set()


async def _read_first(blank: DatabaseSettings) -> None:
    connection = await asyncpg.connect(blank.owner_url)
    await connection.fetch("SELECT * FROM first")
    await connection.close()


def _labelled(directory: Path) -> list[str]:
    return [f"thing/{file.name}" for file in sorted(directory.glob("*.sql"))]


async def _drop_owner(templates: Templates, blank: DatabaseSettings, owner: str) -> None:
    connection = await asyncpg.connect(blank.owner_url)
    try:
        login = blank.url.split("//")[1].split(":")[0]
        await connection.execute(f'REASSIGN OWNED BY {owner} TO CURRENT_USER; DROP ROLE "{login}"')
        await connection.execute(f"DROP OWNED BY {owner}; DROP ROLE {owner}")
    finally:
        await connection.close()
