"""The private Postgres of an embedded installation: its five databases and who may enter them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from services.cli.data_directory import DataDirectory
from services.cli.deployment import SERVICES, DatabaseUrls
from services.cli.output import UserError
from services.cli.supervisor import Guardian
from shared.postgres.embedded import EmbeddedPostgres, EmbeddedPostgresError

BUS = "laurel_bus"


@dataclass(frozen=True, slots=True)
class PrivatePostgres:
    """Where the services find their databases, and the embedded bus its own."""

    databases: Mapping[str, DatabaseUrls]
    bus_url: str


@asynccontextmanager
async def private_postgres(directory: DataDirectory, guardian: Guardian) -> AsyncIterator[PrivatePostgres]:
    """A running server with the databases made; stopped at the end, by `guardian` should this process be killed.

    Raises UserError when it does not start.
    """
    server = EmbeddedPostgres(directory.path / "postgres")
    try:
        await server.start()
    except EmbeddedPostgresError as error:
        raise UserError(str(error)) from error
    pid = server.pid
    guardian.watch("postgres", pid)
    try:
        yield await _set_up(server, directory.database_password())
    finally:
        await server.stop()
        guardian.forget(pid)


async def _set_up(server: EmbeddedPostgres, password: str) -> PrivatePostgres:
    databases = {service: f"laurel_{service}" for service in SERVICES}
    await server.ensure_databases([*databases.values(), BUS])
    await _give_bus_its_owner(server, password)
    return PrivatePostgres(
        databases={
            # The login is made by the migrations, with the password named here.
            service: DatabaseUrls(app=server.url(name, name, password), owner=server.url(name))
            for service, name in databases.items()
        },
        bus_url=server.url(BUS, BUS, password),
    )


async def _give_bus_its_owner(server: EmbeddedPostgres, password: str) -> None:
    """The bus makes its own tables, so its login owns its database, and nothing else."""
    connection = await asyncpg.connect(server.url(BUS), timeout=5)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", BUS):
            await connection.execute(f"CREATE ROLE {BUS} LOGIN")
        quoted = await connection.fetchval("SELECT quote_literal($1::text)", password)
        await connection.execute(f"ALTER ROLE {BUS} PASSWORD {quoted}")
        await connection.execute(f"ALTER DATABASE {BUS} OWNER TO {BUS}")
    finally:
        await connection.close()
