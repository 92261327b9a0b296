"""The service's own database: two pools on one login, transactions opened at the edge, and one error when it is away.

Requests run as the role `laurel_tenant`, whose row-level security policies show one institution; consumers, the relay
and workers run as `laurel_worker`, which sees every row. The login itself owns nothing.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import orjson

TENANT_ROLE = "laurel_tenant"
WORKER_ROLE = "laurel_worker"

_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.TransactionRollbackError,  # deadlock, serialisation: the same transaction succeeds when tried again
    asyncpg.QueryCanceledError,  # a statement timeout
    asyncpg.IdleInTransactionSessionTimeoutError,
)


class Unavailable(Exception):
    """The service's own database is away, frozen or out of connections. Trying again later may work (HTTP 503).

    Raised for a COMMIT whose answer was lost too: the effect may have happened, which is what idempotency keys are for.
    """


@dataclass(frozen=True)
class DatabaseSettings:
    """`url` is the application's login, `owner_url` the owner's (migrations only). Times are seconds."""

    url: str
    owner_url: str
    pool_size: int = 10
    acquire_timeout: float = 3.0
    command_timeout: float = 5.0


class Transaction:
    """One open transaction. Times are `timestamptz`, jsonb columns are Python values, bytea is bytes."""

    def __init__(self, connection: Any, wake_relay: Callable[[], None]) -> None:
        self._connection = connection
        self.wake_relay = wake_relay
        self._before_commit: list[Callable[[], Awaitable[None]]] = []
        self._after_commit: list[Callable[[], None]] = []

    async def execute(self, query: str, *args: Any) -> str:
        """Run a statement; gives its command tag such as `UPDATE 1`."""
        return str(await self._connection.execute(query, *args))

    async def executemany(self, query: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement once for each row of arguments, in one exchange."""
        await self._connection.executemany(query, rows)

    async def fetch(self, query: str, *args: Any) -> list[asyncpg.Record]:
        """All rows."""
        return list(await self._connection.fetch(query, *args))

    async def fetchrow(self, query: str, *args: Any) -> asyncpg.Record | None:
        """The first row, or None."""
        return await self._connection.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: Any) -> Any:
        """The first column of the first row, or None."""
        return await self._connection.fetchval(query, *args)

    @contextlib.asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo what happened inside when it raises, and only that. Raises Unavailable for trouble of the database."""
        with _translated(self._connection):
            await self._connection.execute("SAVEPOINT laurel")  # the innermost of a name is the one that counts
            try:
                yield
            except BaseException:
                await self._connection.execute("ROLLBACK TO laurel; RELEASE laurel", timeout=1)
                raise
            await self._connection.execute("RELEASE laurel")

    def before_commit(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work` as the last act before the commit: what many events of one batch need done once.

        What it raises undoes the whole transaction, so it must not fail on account of one event.
        """
        self._before_commit.append(work)

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call `callback` once the transaction is committed; never when it is rolled back."""
        if callback not in self._after_commit:
            self._after_commit.append(callback)


class Database:
    """Opened by `Database.open`. Connects when first used, so a service starts while its database is away."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self.settings = settings
        self.wakeup = asyncio.Event()
        self._pools: dict[str, Any] = {}
        self._opening = asyncio.Lock()

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, settings: DatabaseSettings) -> AsyncIterator["Database"]:
        """A database handle; its connections are closed, or cut after 2 s, at the end."""
        database = cls(settings)
        try:
            yield database
        finally:
            for pool in database._pools.values():
                try:
                    await asyncio.wait_for(pool.close(), 2)
                except Exception:  # closing is best effort: the server may be frozen
                    pool.terminate()

    @contextlib.asynccontextmanager
    async def tenant(self, institution_id: UUID) -> AsyncIterator[Transaction]:
        """A transaction that sees and writes the rows of one institution. Raises Unavailable."""
        name = str(UUID(str(institution_id)))  # nothing but a UUID may reach the statement's text
        begin = f"BEGIN; SET LOCAL lock_timeout = '2s'; SELECT set_config('app.institution', '{name}', true)"
        async with self._transaction(TENANT_ROLE, begin) as tx:
            yield tx

    @contextlib.asynccontextmanager
    async def worker(self) -> AsyncIterator[Transaction]:
        """A transaction that sees every row: for consumers, workers, operators and public reads. Raises Unavailable."""
        async with self._transaction(WORKER_ROLE, "BEGIN") as tx:
            yield tx

    @contextlib.asynccontextmanager
    async def worker_connection(self) -> AsyncIterator[Transaction]:
        """A connection whose every statement commits by itself, as the worker role. Raises Unavailable."""
        async with self._connection(WORKER_ROLE) as connection:
            with _translated(connection):
                yield Transaction(connection, self.wakeup.set)

    async def ping(self) -> None:
        """Raises Unavailable when the database does not answer in time."""
        async with self.worker_connection() as connection:
            await connection.fetchval("SELECT 1")

    @contextlib.asynccontextmanager
    async def _transaction(self, role: str, begin: str) -> AsyncIterator[Transaction]:
        async with self._connection(role) as connection:
            tx = Transaction(connection, self.wakeup.set)
            with _translated(connection):
                await connection.execute(begin)
                try:
                    yield tx
                    for work in tx._before_commit:
                        await work()
                except BaseException:
                    await _roll_back(connection)
                    raise
                await connection.execute("COMMIT")
        for callback in tx._after_commit:
            callback()

    @contextlib.asynccontextmanager
    async def _connection(self, role: str) -> AsyncIterator[Any]:
        pool = self._pools.get(role) or await self._open_pool(role)
        try:
            connection = await pool.acquire(timeout=self.settings.acquire_timeout)
        except (*_AWAY, asyncpg.PostgresError) as error:  # also a login or a database that is not made yet
            raise Unavailable("no connection to the database") from error
        try:
            yield connection
        finally:
            with contextlib.suppress(*_AWAY):
                await pool.release(connection, timeout=1)

    async def _open_pool(self, role: str) -> Any:
        async with self._opening:
            if role not in self._pools:
                self._pools[role] = await asyncpg.create_pool(
                    self.settings.url,
                    min_size=0,
                    max_size=self.settings.pool_size,
                    max_inactive_connection_lifetime=60,
                    timeout=self.settings.acquire_timeout,
                    command_timeout=self.settings.command_timeout,
                    server_settings=self._session(role),
                    init=_prepare,
                    reset=_keep,
                )
            return self._pools[role]

    def _session(self, role: str) -> dict[str, str]:
        # A process that is frozen inside a transaction would keep its locks, and another replica waiting, until it
        # wakes. Transactions wait for nothing but their statements, so an idle one is a lost one.
        idle = str(int(self.settings.command_timeout * 1000))
        return {
            "role": role,
            "application_name": role,
            "timezone": "UTC",
            "jit": "off",
            "idle_in_transaction_session_timeout": idle,
        }


async def _prepare(connection: Any) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name, encoder=lambda value: orjson.dumps(value).decode(), decoder=orjson.loads, schema="pg_catalog"
        )


async def _keep(_connection: Any) -> None:
    """Nothing to reset between uses: every setting is LOCAL to its transaction, which saves a round trip."""


async def _roll_back(connection: Any) -> None:
    try:
        await connection.execute("ROLLBACK", timeout=1)
    except (*_AWAY, asyncpg.PostgresError):
        # A connection that died has left its pool already, which then refuses even to end it.
        with contextlib.suppress(asyncpg.InterfaceError):
            connection.terminate()


@contextlib.contextmanager
def _translated(connection: Any) -> Iterator[None]:
    """Turn every way the database can be away into Unavailable; leave the errors of statements as they are."""
    try:
        yield
    except _AWAY as error:
        if _is_away(error, connection):
            raise Unavailable("the database is not reachable, or too slow") from error
        raise


def _is_closed(connection: Any) -> bool:
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:  # one that died was taken from its pool
        return True


def _is_away(error: BaseException, connection: Any) -> bool:
    """Whether the database is what failed, and not a handler's own I/O or a wrong use of the driver."""
    if isinstance(error, asyncpg.InterfaceError):  # such as a missing argument, on a connection that is well
        return _is_closed(connection)
    if isinstance(error, asyncpg.PostgresError | asyncpg.InternalClientError):
        return True
    frame = error.__traceback__
    while frame is not None:
        if "asyncpg" in frame.tb_frame.f_code.co_filename:
            return True
        frame = frame.tb_next
    return False
