"""`laurel migrate`: bring services' databases up to date without starting the services."""

import os
from collections.abc import Mapping, Sequence

import asyncpg

from services.cli.deployment import REPOSITORY, SERVICES, DatabaseUrls
from services.cli.output import UserError, say
from shared.postgres.migrations import MigrationError, migrate

UNUSABLE = 2


async def run(services: Sequence[str]) -> int:
    """Migrate each service in turn and say what was applied. Raises UserError at the first that cannot be."""
    unknown = [service for service in services if service not in SERVICES]
    if unknown:
        raise UserError(f"{unknown[0]} is not a service; the services are {', '.join(SERVICES)}", UNUSABLE)
    urls = {service: find_urls(service, len(services) == 1, os.environ) for service in services}
    for service, found in urls.items():
        directory = REPOSITORY / "services" / service / "migrations"
        try:
            applied = await migrate(found.owner, found.app, [directory])
        except (MigrationError, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise UserError(f"{service}: {error or type(error).__name__}") from error
        except ValueError as error:
            raise UserError(f"{service}: its database URL cannot be read: {error}", UNUSABLE) from error
        say(f"{service}: {', '.join(applied) if applied else 'up to date'}")
    return 0


def find_urls(service: str, alone: bool, environment: Mapping[str, str]) -> DatabaseUrls:
    """The service's URLs: LAUREL_ISSUER_DATABASE_URL and so on, or LAUREL_DATABASE_URL where it is the only service."""
    found = {}
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        own, plain = f"LAUREL_{service.upper()}_{name}", f"LAUREL_{name}"
        value = environment.get(own) or (environment.get(plain) if alone else None)
        if not value:
            raise UserError(f"set {own}{f' or {plain}' if alone else ''}", UNUSABLE)
        found[name] = value
    return DatabaseUrls(app=found["DATABASE_URL"], owner=found["DATABASE_OWNER_URL"])
