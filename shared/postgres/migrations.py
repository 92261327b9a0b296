"""Numbered SQL files, applied once each, in order, under an advisory lock.

A database is made of sets: the tables every service has (`shared`), then the service's own. A file that was applied
may not change: expand, backfill, and contract in a later file instead.
"""

import asyncio
import contextlib
import hashlib
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import asyncpg
import structlog

from shared.postgres.database import TENANT_ROLE, WORKER_ROLE

log = structlog.get_logger()

BASE = Path(__file__).parent / "migrations"
_LOCK = 7_202_611
_TRIES = 5


class MigrationError(Exception):
    """The files and the database disagree, or a file does not apply; says which file and why."""


async def migrate(owner_url: str, app_url: str, directories: Sequence[Path]) -> list[str]:
    """Bring a database up to date: roles, the shared tables, then each directory's files.

    Gives the names applied now, such as `shared/0001_roles.sql`. Two runners at once are safe: the second finds
    nothing to do. Raises MigrationError, OSError or asyncpg's errors when the database is away.
    """
    connection = await asyncpg.connect(owner_url, timeout=5)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await _ensure_roles(connection, owner_url, app_url)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migration (set text, name text, sha256 text NOT NULL,"
            " applied_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (set, name))"
        )
        applied: list[str] = []
        for directory in (BASE, *directories):
            applied += await _apply_set(connection, directory)
        return applied
    finally:
        await connection.close()


async def migrate_patiently(owner_url: str, app_url: str, directories: Sequence[Path]) -> list[str]:
    """`migrate`, tried again for ever while the database is away: a service may be started before its database is.

    Raises MigrationError.
    """
    wait = 0.2
    while True:
        try:
            return await migrate(owner_url, app_url, directories)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("migrations.waiting", error=str(error) or type(error).__name__, retry_in=wait)
        await asyncio.sleep(wait * random.uniform(0.8, 1.2))  # noqa: S311 (jitter)
        wait = min(wait * 2, 5.0)


async def _ensure_roles(connection: Any, owner_url: str, app_url: str) -> None:
    """Make the two roles and the login; safe against a runner of another database of the same server."""
    parts = urlsplit(app_url)
    login, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not login:
        raise MigrationError("the application's database URL names no user")
    if login == unquote(urlsplit(owner_url).username or ""):
        raise MigrationError("the application must not log in as the owner, who may do everything")
    for role in (TENANT_ROLE, WORKER_ROLE):
        await _create_role(connection, role, "NOLOGIN")
    created = await _create_role(connection, login, "LOGIN")
    try:
        secret = "'" + password.replace("'", "''") + "'"
        await _retry_concurrent(connection, f"ALTER ROLE {_quoted(login)} PASSWORD {secret}")
    except asyncpg.InsufficientPrivilegeError:
        if created:
            raise  # else the login, and its password, are somebody else's business
    for role in (TENANT_ROLE, WORKER_ROLE):
        if not await connection.fetchval("SELECT pg_has_role($1::text, $2::text, 'MEMBER')", login, role):
            await _retry_concurrent(connection, f"GRANT {role} TO {_quoted(login)}")


async def _create_role(connection: Any, name: str, kind: str) -> bool:
    """Make a role unless it is there; asked first, because an owner who may not make roles may still migrate."""
    if await connection.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", name):
        return False
    with contextlib.suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
        await connection.execute(f"CREATE ROLE {_quoted(name)} {kind}")
    return True


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


async def _retry_concurrent(connection: Any, statement: str) -> None:
    """Roles are the server's: runners of its other databases may change the same row at the same moment."""
    for attempt in range(_TRIES):
        try:
            async with connection.transaction():
                await connection.execute(statement)
            return
        except asyncpg.InternalServerError as error:
            if "concurrently" not in str(error) or attempt == _TRIES - 1:
                raise
            await asyncio.sleep(0.05 * (attempt + 1))


async def _apply_set(connection: Any, directory: Path) -> list[str]:
    label = "shared" if directory == BASE else directory.parent.name
    rows = await connection.fetch("SELECT name, sha256 FROM schema_migration WHERE set = $1", label)
    known = {row["name"]: row["sha256"] for row in rows}
    files = _read(directory)
    # Names beyond the last one shipped are a newer release's, whose schema this release works with too.
    lost = sorted(name for name in known.keys() - files.keys() if name < max(files, default=""))
    if lost:
        raise MigrationError(f"{label}: applied before but no longer shipped: {', '.join(lost)}")
    applied = []
    for name, text in files.items():
        digest = hashlib.sha256(text.encode()).hexdigest()
        if name not in known:
            await _apply(connection, label, name, text, digest)
            applied.append(f"{label}/{name}")
        elif known[name] != digest:
            raise MigrationError(f"{label}/{name} was changed after it had been applied; add a new file instead")
    return applied


def _read(directory: Path) -> dict[str, str]:
    return {file.name: file.read_text("utf-8") for file in sorted(directory.glob("*.sql"))}


async def _apply(connection: Any, label: str, name: str, text: str, digest: str) -> None:
    """One file, one transaction; waits at most 2 s for a lock, a few times over, so that traffic is not held up."""
    for attempt in range(_TRIES):
        try:
            async with connection.transaction():
                await connection.execute("SET LOCAL lock_timeout = '2s'")
                await connection.execute(text)
                await connection.execute(
                    "INSERT INTO schema_migration (set, name, sha256) VALUES ($1, $2, $3)", label, name, digest
                )
            return
        except asyncpg.LockNotAvailableError:
            if attempt == _TRIES - 1:
                raise MigrationError(
                    f"{label}/{name}: a table stayed locked; try again when traffic is lower"
                ) from None
            await asyncio.sleep(1)
        except asyncpg.PostgresError as error:
            raise MigrationError(f"{label}/{name}: {error}") from error
