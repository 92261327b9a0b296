"""docker-compose.yml, started as plain processes: what it declares is right before an engine ever sees it.

The gateway runs where a Caddy of the declared version is at hand (`deploy/compose-config --build-tools` makes one);
otherwise the services are spoken to at their own ports, as it would. The collector is a sink for traces here; the same
script checks its settings with the real one.
"""

import contextlib
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from services.cli.deployment import REPOSITORY, SERVICES
from tests.fixtures import compose
from tests.fixtures.api import Api
from tests.fixtures.compose_images import postgres_binaries, start_gateway, start_kafka, start_postgres, start_service
from tests.fixtures.kafka_broker import cache_folder, free_port, kafka_jars
from tests.fixtures.receiver import Receiver
from tests.fixtures.trace_sink import TraceSink, trace_sink

NETCAT = """#!{python}
import os, socket, sys
host, port = sys.argv[-2:]  # as in: nc -z HOST PORT
socket.create_connection((host, os.environ["PORT_" + port]), timeout=3).close()
"""


class Composed:
    """Everything the file declares, running."""

    def __init__(self, directory: Path, sink: TraceSink) -> None:
        self.file = compose.read()
        self.directory = directory
        self.sink = sink
        self.started: list[compose.Container] = []
        self.secrets = directory / "secrets"
        subprocess.run([str(REPOSITORY / "deploy/make-secrets"), str(self.secrets)], check=True, capture_output=True)
        self.ports = {f"{service}:8000": free_port() for service in SERVICES}
        self.ports |= {f"{service}-db:5432": free_port() for service in SERVICES}
        self.ports |= {"kafka:9092": free_port(), "collector:4318": sink.port, "gateway:443": free_port()}
        self.caddy = shutil.which("caddy", path=f"{cache_folder() / 'bin'}:/usr/local/bin:/usr/bin")
        shims = directory / "bin"
        shims.mkdir()
        (shims / "nc").write_text(NETCAT.format(python=sys.executable))
        (shims / "nc").chmod(0o755)
        self.path = f"{shims}:{postgres_binaries()}"

    def start(self) -> None:
        """All of it, each when what it depends on is healthy."""
        for name in compose.start_order(self.file):
            if name == "collector" or (name == "gateway" and self.caddy is None):
                continue
            container = self._container(name)
            compose.lay_out(container, self.file, self.secrets)
            self._run(container)
            container.wait_healthy(self.path)

    def _container(self, name: str) -> compose.Container:
        root = self.directory / name
        root.mkdir()
        own = next((port for place, port in self.ports.items() if place.startswith(f"{name}:")), 0)
        ports = dict(self.ports)
        environment: dict[str, str] = {}
        if name in SERVICES:
            environment = {"LAUREL_HOST": "127.0.0.1", "LAUREL_PORT": str(own)}
        elif name == "gateway":
            environment = {f"LAUREL_{one.upper()}_UPSTREAM": f"127.0.0.1:{self.port(one)}" for one in SERVICES}
            environment |= {"XDG_DATA_HOME": f"{root}/data", "XDG_CONFIG_HOME": f"{root}/config", "PORT_443": str(own)}
        elif name == "kafka":
            environment = {"PORT_9092": str(own)}
        elif name.endswith("-db"):
            environment = {"PGPORT": str(own)}
        container = compose.Container(name, self.file["services"][name], root, ports, environment)
        self.started.append(container)
        return container

    def _run(self, container: compose.Container) -> None:
        if container.name in SERVICES:
            start_service(container)
        elif container.name.endswith("-db"):
            start_postgres(container, int(container.environment["PGPORT"]))
        elif container.name == "kafka":
            start_kafka(container, kafka_jars(), self.ports["kafka:9092"], free_port())
        elif container.name == "gateway" and self.caddy is not None:
            start_gateway(container, self.caddy, self.ports["gateway:443"], free_port())
            self._wait_certified()

    def _wait_certified(self) -> None:
        """The gateway makes its certificates once it runs; a client comes when they are there."""
        deadline = time.monotonic() + 30
        for name in SERVICES:
            while not self._greets(f"{name}.laurel.localhost"):
                assert time.monotonic() < deadline, f"the gateway has no certificate for {name}"
                time.sleep(0.1)

    def _greets(self, host: str) -> bool:
        context = ssl._create_unverified_context()
        try:
            with (
                socket.create_connection(("127.0.0.1", self.ports["gateway:443"]), timeout=5) as plain,
                context.wrap_socket(plain, server_hostname=host),
            ):
                return True
        except OSError:
            return False

    def port(self, service: str) -> int:
        """Where a service of ours listens here."""
        return self.ports[f"{service}:8000"]

    def operator_token(self) -> str:
        """The generated one."""
        return (self.secrets / "operator_token").read_text()

    @contextlib.asynccontextmanager
    async def api(self) -> AsyncIterator[Api]:
        """A client outside: it speaks to the public URLs, through the gateway where that runs."""
        public = {name: str(self.file["x-service-environment"][f"LAUREL_{name.upper()}_URL"]) for name in SERVICES}
        urls = {name: compose.interpolate(url, {}) for name, url in public.items()}
        async with httpx.AsyncClient(transport=self._way_in(), timeout=30, trust_env=False) as http:
            yield Api(http, urls, self.operator_token())

    def _way_in(self) -> httpx.AsyncHTTPTransport:
        if self.caddy is None:
            return WayIn({f"{name}.laurel.localhost": self.port(name) for name in SERVICES}, None)
        authority = self.directory / "gateway/data/caddy/pki/authorities/local/root.crt"
        port = self.ports["gateway:443"]
        return WayIn(
            {f"{name}.laurel.localhost": port for name in SERVICES}, ssl.create_default_context(cafile=authority)
        )

    def stop(self) -> dict[str, int | None]:
        """Stop in reverse order; the exit codes."""
        return {container.name: container.stop() for container in reversed(self.started)}


class WayIn(httpx.AsyncHTTPTransport):
    """Connects a public host name to a port of this machine, with the name in `Host` and in the TLS greeting."""

    def __init__(self, ports: dict[str, int], context: ssl.SSLContext | None) -> None:
        super().__init__(verify=context or False, trust_env=False)
        self._ports = ports
        self._scheme = "https" if context else "http"

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        request.url = request.url.copy_with(scheme=self._scheme, host="127.0.0.1", port=self._ports[host])
        request.extensions["sni_hostname"] = host
        return await super().handle_async_request(request)


@pytest.fixture(scope="module")
def composed() -> Iterator[Composed]:
    with (
        tempfile.TemporaryDirectory(prefix="laurel-compose-") as folder,  # pytest's own is closed to Postgres's account
        trace_sink() as sink,
        pytest.MonkeyPatch.context() as environment,
    ):
        environment.setenv("LAUREL_WEBHOOK_ALLOW_NETWORKS", "127.0.0.0/8")  # as it could stand in .env
        running = Composed(Path(folder), sink)
        try:
            running.start()
            yield running
        finally:
            running.stop()


async def test_a_credential_goes_all_the_way(composed: Composed, receiver: Receiver) -> None:
    async with composed.api() as api:
        institution = await api.institution("composed")
        assert institution.did == "did:web:issuer.laurel.localhost:institutions:composed"
        endpoint = await api.endpoint(institution, receiver.url("composed"), ["credential.issued"])
        issued = await api.issue(institution, await api.achievement(institution))
        assert issued["credential"]["id"] == f"https://registry.laurel.localhost/credentials/{issued['id']}"
        assert await api.registered(issued["id"]) == issued["credential"]
        assert (await api.verify(issued["credential"]))["verdict"] == "valid"
        (delivery,) = await receiver.wait("composed", 1)
        Webhook(endpoint["secret"]).verify(delivery.body, delivery.headers)
        await api.change(institution, issued["id"], "revoke")
        await api.verdict(issued["credential"], "revoked-or-suspended")
        if composed.caddy is not None:
            for path in ("/metrics", "/readyz"):
                assert (await api.http.get(f"{api.urls['issuer']}{path}")).status_code == 404


def test_a_container_holds_its_own_service_and_secrets_alone(composed: Composed) -> None:
    for service in SERVICES:
        root = composed.directory / service
        assert [path.name for path in (root / "app/services").iterdir() if path.is_dir()] == [service]
        secrets = {path.name for path in (root / "run/secrets").iterdir()}
        own = {"laurel_operator_token", "laurel_kek", "laurel_database_url", "laurel_database_owner_url"}
        assert secrets == own | ({"laurel_recipient_key"} if service != "verifier" else set())


async def test_a_service_logs_in_as_one_who_owns_nothing(composed: Composed) -> None:
    for service in SERVICES:
        port = composed.ports[f"{service}-db:5432"]
        login = (
            (composed.secrets / f"{service}_database_url")
            .read_text()
            .replace(f"{service}-db:5432", f"127.0.0.1:{port}")
        )
        connection = await asyncpg.connect(login)
        try:
            owned = await connection.fetchval(
                "SELECT count(*) FROM pg_class WHERE pg_get_userbyid(relowner) = current_user"
            )
            power = await connection.fetchrow(
                "SELECT rolsuper, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname = current_user"
            )
        finally:
            await connection.close()
        assert owned == 0
        assert not any(power)


def test_traces_of_every_service_reach_the_collector(composed: Composed) -> None:
    deadline = time.monotonic() + 15
    while (seen := {span.service for span in composed.sink.spans}) < {f"laurel-{name}" for name in SERVICES}:
        assert time.monotonic() < deadline, seen
        time.sleep(0.1)


def test_every_service_stops_by_itself_when_told_to(composed: Composed) -> None:
    codes = composed.stop()
    assert {name: code for name, code in codes.items() if name in SERVICES} == dict.fromkeys(reversed(SERVICES), 0)
