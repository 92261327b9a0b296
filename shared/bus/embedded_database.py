"""The embedded bus's way to its database, and its own mapping of what can go wrong there."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg

from shared.bus.port import BusUnavailable
from shared.bus.waiting import bounded

CONNECTIONS = 4
ACQUIRE_SECONDS = 1.0
STATEMENT_SECONDS = 3.0
AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
_SCHEMA = Path(__file__).with_name("embedded_schema.sql")
_SCHEMA_LOCK = 7_202_612


class BusDatabase:
    """A few connections, made when first used. Everything that fails here raises BusUnavailable, in bounded time."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._pool: Any = None
        self._opening = asyncio.Lock()

    async def fetch(self, statement: str, *args: object, within: float = STATEMENT_SECONDS) -> list[Any]:
        """Run one statement in a transaction of its own, and give its rows."""
        async with self._connection() as connection:
            rows: list[Any] = await connection.fetch(statement, *args, timeout=within)
            return rows

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """A connection in a transaction."""
        async with self._connection() as connection, connection.transaction():
            yield connection

    async def make_schema(self) -> None:
        """Create the tables where they are missing; of several processes one after the other."""
        [[present]] = await self.fetch("SELECT to_regclass('bus_offset') IS NOT NULL")
        if present:
            return
        async with self.transaction() as connection:
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _SCHEMA_LOCK)
            await connection.execute(_SCHEMA.read_text("utf-8"))

    async def close(self) -> None:
        """Close the connections."""
        pool, self._pool = self._pool, None
        if pool is not None and not await bounded(pool.close(), 1):
            pool.terminate()

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        try:
            pool = self._pool or await self._open()
            # asyncpg allows giving the connection back as long as taking it.
            async with pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                yield connection
        except AWAY as error:
            raise BusUnavailable(f"the bus's database does not answer: {type(error).__name__}") from error

    async def _open(self) -> Any:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self.url,
                    min_size=0,
                    max_size=CONNECTIONS,
                    timeout=ACQUIRE_SECONDS,
                    command_timeout=STATEMENT_SECONDS,
                    reset=_keep,
                )
            return self._pool


async def _keep(_: object) -> None:
    """Nothing is set for a session, so there is nothing to reset: a round trip less."""
