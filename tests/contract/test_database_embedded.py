"""What the private server promises: a directory that starts again with everything in it, whatever happened before."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from shared.postgres.database import Database, DatabaseSettings, Unavailable
from shared.postgres.embedded import EmbeddedPostgres, EmbeddedPostgresError
from shared.postgres.migrations import migrate


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stopped server's directory, with a database of one table."""
    directory = tmp_path_factory.mktemp("embedded")

    async def prepare() -> None:
        async with EmbeddedPostgres(directory) as server:
            await server.ensure_databases(["laurel_test"])
            await execute(server, "CREATE TABLE kept AS SELECT 42 AS number")

    asyncio.run(prepare())
    return directory


async def execute(server: EmbeddedPostgres, statement: str) -> None:
    connection = await asyncpg.connect(server.url("laurel_test"))
    await connection.execute(statement)
    await connection.close()


async def kept(server: EmbeddedPostgres) -> int:
    connection = await asyncpg.connect(server.url("laurel_test"))
    try:
        return int(await connection.fetchval("SELECT number FROM kept"))
    finally:
        await connection.close()


def alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


async def test_the_same_directory_starts_again_with_its_data_on_its_port(prepared: Path) -> None:
    ports = []
    for _ in range(2):
        async with EmbeddedPostgres(prepared) as server:
            assert await kept(server) == 42
            await server.ensure_databases(["laurel_test"])
            ports.append(server.port)
    assert ports[0] == ports[1]


async def test_stopping_ends_the_process(prepared: Path) -> None:
    async with EmbeddedPostgres(prepared) as server:
        pid = server.pid
        assert alive(pid)
    assert not alive(pid)


async def test_a_killed_server_recovers(prepared: Path) -> None:
    server = EmbeddedPostgres(prepared)
    await server.start()
    await execute(server, "UPDATE kept SET number = 42")
    os.kill(server.pid, signal.SIGKILL)
    async with EmbeddedPostgres(prepared) as again:
        assert await kept(again) == 42
    await server.stop()  # reaps what was killed


async def test_a_server_that_a_killed_predecessor_left_behind_is_ended_first(prepared: Path) -> None:
    code = (
        "import asyncio, os, sys, pathlib\n"
        "from shared.postgres.embedded import EmbeddedPostgres\n"
        "server = EmbeddedPostgres(pathlib.Path(sys.argv[1]))\n"
        "asyncio.run(server.start())\n"
        "print(server.pid, flush=True)\n"
        "os._exit(1)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(prepared)], capture_output=True, text=True, timeout=30)
    left_behind = int(done.stdout)
    assert alive(left_behind)
    async with EmbeddedPostgres(prepared) as server:
        assert not alive(left_behind)
        assert await kept(server) == 42


async def test_a_lock_file_naming_another_programs_process_is_no_obstacle(prepared: Path) -> None:
    (prepared / "cluster" / "postmaster.pid").write_text(f"{os.getpid()}\n/somewhere\n1\n2\n3\n4\n5 6\nready\n")
    async with EmbeddedPostgres(prepared) as server:
        assert await kept(server) == 42


async def test_another_port_is_taken_when_the_kept_one_is_in_use(prepared: Path) -> None:
    port = int((prepared / "port").read_text())
    listener = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", port)
    async with listener, EmbeddedPostgres(prepared) as server:
        assert server.port != port
        assert await kept(server) == 42


async def test_an_interrupted_first_start_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / "cluster.new").mkdir()
    (tmp_path / "cluster.new" / "PG_VERSION").write_text("18")
    (tmp_path / "owner.password").write_text("of the first try")
    async with EmbeddedPostgres(tmp_path) as server:
        connection = await asyncpg.connect(server.url("postgres"))
        assert await connection.fetchval("SHOW fsync") == "on"
        await connection.close()


async def test_a_password_is_needed_and_only_its_owner_can_read_it(prepared: Path) -> None:
    assert stat.S_IMODE((prepared / "owner.password").stat().st_mode) == 0o600
    async with EmbeddedPostgres(prepared) as server:
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(server.url("postgres", password="guessed"))


async def test_a_server_that_cannot_start_says_why(prepared: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match="invalid value for parameter"):
        await EmbeddedPostgres(prepared, {"shared_buffers": "a lot"}).start()


async def test_a_service_survives_its_server_stopping_at_once_and_freezing(tmp_path: Path) -> None:
    async with EmbeddedPostgres(tmp_path) as server:
        await server.ensure_databases(["laurel_test"])
        settings = DatabaseSettings(
            url=server.url("laurel_test", "laurel_app", "secret"), owner_url=server.url("laurel_test")
        )
        await migrate(settings.owner_url, settings.url, [])
        async with Database.open(replace(settings, command_timeout=1, acquire_timeout=1)) as db:
            await db.ping()
            os.kill(server.pid, signal.SIGQUIT)
            await asyncio.sleep(0.3)
            with pytest.raises(Unavailable):
                await db.ping()
            await server.start()
            await db.ping()

            children = list(map(int, Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()))
            for pid in (server.pid, *children):
                os.kill(pid, signal.SIGSTOP)
            began = time.monotonic()
            with pytest.raises(Unavailable):
                await db.ping()
            assert time.monotonic() - began < 6
            for pid in (server.pid, *children):
                os.kill(pid, signal.SIGCONT)
            await asyncio.sleep(0.5)
            await db.ping()
