"""The registry: settings → telemetry → database → bus → HTTP, consumer, relay and counting. Builds all its parts."""

from contextlib import AsyncExitStack
from pathlib import Path

from services.registry.api import (
    achievements,
    claim_page,
    claims,
    credential_page,
    credentials,
    institutions,
    operations,
    platform_shares,
    platforms,
    shares,
    statistics,
)
from services.registry.api.context import Context
from services.registry.commands.offer_claims import Offerer
from services.registry.domain.addresses import Addresses
from services.registry.domain.claim_page import ClaimPage
from services.registry.domain.credential_page import CredentialPage
from services.registry.domain.wording import Wording
from services.registry.handlers import HANDLERS
from services.registry.settings import Settings
from services.registry.workers import learners
from services.registry.workers.counting import Counting
from shared.bus.opening import open_bus
from shared.events.catalogue import ISSUER_TOPIC, TOPICS, VERIFIER_TOPIC
from shared.http import idempotency
from shared.http.addresses import AddressPolicy
from shared.http.app import HttpSettings, create_app
from shared.http.auth import Authenticator
from shared.http.keysets import RemoteKeySet
from shared.http.outbound import OutboundClient
from shared.http.server import Component, Periodic, run_loop, serve
from shared.inbox.api import parked_router
from shared.inbox.consumer import Consumer
from shared.outbox.relay import Relay
from shared.postgres.database import Database
from shared.postgres.migrations import migrate_patiently
from shared.telemetry import TelemetrySettings, setup

NAME = "registry"
MIGRATIONS = Path(__file__).parent / "migrations"
TEMPLATES = Path(__file__).parent / "templates"
ROUTERS = (
    credential_page.routes,  # before the document, whose address it has for people
    credentials.routes,
    institutions.routes,
    achievements.routes,
    statistics.routes,
    claims.routes,
    claim_page.routes,
    shares.routes,
    platforms.routes,
    platform_shares.routes,
    operations.routes,
)
ANYWHERE = "0.0.0.0/0,::/0"
_PURGE_SECONDS = 600.0


def build_authenticator(settings: Settings, db: Database, trusted: OutboundClient) -> Authenticator:
    """Checks tokens by the token issuer's key set, which `trusted` may fetch from wherever the operator says."""
    return Authenticator(
        RemoteKeySet(settings.key_set_url, trusted, db),
        issuer=settings.expected_issuer,
        operator_token=settings.operator_token.get_secret_value(),
    )


def read_wording(folder: Path) -> Wording:
    """The languages that learners are spoken to in; a broken file stops the start."""
    return Wording({file.stem: file.read_text("utf-8") for file in (folder / "languages").glob("*.toml")})


def read_page(folder: Path, wording: Wording) -> ClaimPage:
    """The page that learners claim and share on, from the files in `folder`."""
    return ClaimPage(_read(folder), wording)


def read_credential_page(folder: Path, wording: Wording) -> CredentialPage:
    """The public page of a credential, from the files in `folder`."""
    return CredentialPage(_read(folder), wording)


def _read(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text("utf-8") for file in folder.glob("*.*")}


async def run(settings: Settings) -> None:
    """Serve until told to stop."""
    async with AsyncExitStack() as stack:
        stack.callback(setup(NAME, TelemetrySettings(settings.otlp_endpoint, settings.log_level)))
        db = await stack.enter_async_context(Database.open(settings.database))
        bus = open_bus(settings)
        stack.push_async_callback(bus.close)
        # The operator names the key set's address, so it may be anywhere.
        trusted = await stack.enter_async_context(OutboundClient(AddressPolicy.parse(ANYWHERE)))
        await migrate_patiently(settings.database.owner_url, settings.database.url, [MIGRATIONS])
        relay = Relay(bus, db, topics=TOPICS)
        consumer = Consumer(
            bus, db, group=NAME, topics=[ISSUER_TOPIC, VERIFIER_TOPIC], handlers=HANDLERS, instance=settings.instance
        )
        secret = settings.operator_token.get_secret_value()
        app = create_app(
            title="Laurel registry",
            description="The public record: credentials, institutions, achievements and how many there are.",
            settings=HttpSettings(settings.registry_url.rstrip("/"), secret, settings.rate_limit),
            db=db,
            routers=[*ROUTERS, parked_router(db, group=NAME, handlers=HANDLERS)],
            authenticator=build_authenticator(settings, db, trusted),
            ready=[lambda: ("relay", relay.trouble), lambda: ("consumer", consumer.trouble)],
        )
        addresses = Addresses(registry=settings.registry_url.rstrip("/"), verifier=settings.verifier_url.rstrip("/"))
        wording = read_wording(TEMPLATES)
        pages = read_page(TEMPLATES, wording), read_credential_page(TEMPLATES, wording)
        app.state.context = Context(db, addresses, learners.utc_now, wording, *pages)
        components: list[Component] = [relay, consumer, Counting(db), *_periodics(db, settings, addresses)]
        await serve(app, host=settings.host, port=settings.port, components=components)


def _periodics(db: Database, settings: Settings, addresses: Addresses) -> list[Component]:
    offerer = Offerer(settings.recipients, addresses)
    return [
        Periodic("claim offers", learners.OFFER_SECONDS, lambda: learners.offer_claims(db, offerer)),
        Periodic("withdrawal", learners.WITHDRAW_SECONDS, lambda: learners.withdraw(db)),
        Periodic("learners purge", _PURGE_SECONDS, lambda: learners.purge(db)),
        Periodic("idempotency purge", _PURGE_SECONDS, lambda: idempotency.purge(db)),
    ]


def main() -> None:
    """Entry point."""
    settings = Settings.load(NAME)
    run_loop(run(settings), uvloop=settings.uvloop == "auto")


if __name__ == "__main__":
    main()
