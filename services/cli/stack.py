"""One embedded installation, running: a private Postgres and the four services, from a data directory."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from services.cli.data_directory import DataDirectory, mail_folder
from services.cli.deployment import SERVICES, Deployment, process_environment
from services.cli.output import UserError, complain, say
from services.cli.ports import require_free_ports
from services.cli.postgres import private_postgres
from services.cli.supervisor import Guardian, Supervised

CRASHES_BEFORE_GIVING_UP = 4
REMIND_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class StackOptions:
    """What `laurel up` was asked for; `kafka` None is the embedded bus. `extra` are further LAUREL_ variables."""

    data: Path
    ports: Mapping[str, int]
    kafka: str | None
    extra: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Stack:
    """A started installation."""

    deployment: Deployment
    services: Mapping[str, Supervised]
    data: Path

    @property
    def letters(self) -> str:
        """Where letters to learners go, in words."""
        settings = process_environment(self.deployment.environment("notifier"), os.environ)
        if settings.get("LAUREL_SMTP_URL"):
            return "sent by the mail server of LAUREL_SMTP_URL"
        return f"written to {mail_folder(self.data)}, shown by laurel mail --data {self.data}"

    async def ready(self) -> None:
        """Return when all four `/readyz` answer 200. Raises UserError when a service keeps crashing."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
            reminder = time.monotonic() + REMIND_SECONDS
            while waiting := await self._not_ready(session):
                self._give_up_on_crashing()
                if time.monotonic() > reminder:
                    say("waiting for " + "; ".join(f"{name}: {why}" for name, why in waiting.items()))
                    reminder += REMIND_SECONDS
                await asyncio.sleep(0.1)

    def kill_services(self) -> None:
        """End the four processes at once; their supervisors then return."""
        for service in self.services.values():
            service.kill()

    async def _not_ready(self, session: aiohttp.ClientSession) -> dict[str, str]:
        answers = await asyncio.gather(*(self._why_not_ready(session, name) for name in SERVICES))
        return {name: why for name, why in zip(SERVICES, answers, strict=True) if why is not None}

    async def _why_not_ready(self, session: aiohttp.ClientSession, service: str) -> str | None:
        try:
            async with session.get(f"http://127.0.0.1:{self.deployment.ports[service]}/readyz") as response:
                return None if response.status == 200 else (await response.text())[:200]
        except (aiohttp.ClientError, TimeoutError):
            return "does not answer yet"

    def _give_up_on_crashing(self) -> None:
        for service in self.services.values():
            if service.crashes >= CRASHES_BEFORE_GIVING_UP:
                raise UserError(f"{service.name} does not start; the end of {service.log}:\n{service.last_lines()}")


@asynccontextmanager
async def open_stack(options: StackOptions) -> AsyncIterator[Stack]:
    """Start everything; on leaving, stop the services (SIGTERM, 12 s at most) and then Postgres.

    Raises UserError when the directory or a port is in use.
    """
    with DataDirectory(options.data) as directory:
        require_free_ports(options.ports)  # after the lock: what a killed predecessor left has ended by then
        guardian = Guardian(keep_open=[directory.lock_descriptor])
        try:
            async with private_postgres(directory, guardian) as postgres:
                deployment = Deployment(
                    ports=options.ports,
                    databases=postgres.databases,
                    operator_token=directory.operator_token(),
                    kek=directory.kek(),
                    recipient_key=directory.recipient_key(),
                    kafka=options.kafka,
                    bus_database_url=None if options.kafka else postgres.bus_url,
                    extra={"LAUREL_MAIL_DIR": str(mail_folder(options.data)), **options.extra},
                )
                async with _services(deployment, directory, guardian) as services:
                    yield Stack(deployment, services, options.data)
        finally:
            await asyncio.to_thread(guardian.dismiss)


@asynccontextmanager
async def _services(
    deployment: Deployment, directory: DataDirectory, guardian: Guardian
) -> AsyncIterator[Mapping[str, Supervised]]:
    services = {
        name: Supervised(name, deployment.environment(name), directory.log(name), guardian, complain)
        for name in SERVICES
    }
    running = [asyncio.create_task(service.run()) for service in services.values()]
    try:
        yield services
    finally:
        await asyncio.gather(*(service.stop() for service in services.values()))
        await asyncio.gather(*running)


def local_settings(inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Settings an installation on one machine needs unless the person has said otherwise."""
    # did:web and status lists of this very installation live on loopback addresses.
    defaults = {"LAUREL_OUTBOUND_ALLOW_NETWORKS": "127.0.0.0/8"}
    return {name: inherited.get(name, value) for name, value in defaults.items()}
