"""The verifier: settings → telemetry → database → bus → HTTP, consumer, relay and recording. Builds all its parts."""

import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from services.verifier.api import sd_jwt_vcs, vc_api, verify
from services.verifier.api.context import Context
from services.verifier.commands.challenges import Challenges
from services.verifier.commands.check_document import Documents
from services.verifier.commands.evaluate_schema import Evaluator
from services.verifier.commands.fetch import Fetcher
from services.verifier.commands.find_issuer import Issuers
from services.verifier.commands.note_verification import Notes
from services.verifier.commands.read_schema import Schemas
from services.verifier.commands.read_status import Statuses
from services.verifier.commands.resolve_did import Resolver
from services.verifier.commands.verify_credential import Verifier
from services.verifier.commands.verify_presentation import PresentationVerifier
from services.verifier.commands.verify_sd_jwt_vc import SdJwtVcVerifier
from services.verifier.handlers import HANDLERS
from services.verifier.settings import Settings
from services.verifier.workers.recording import Recording
from shared.bus.opening import open_bus
from shared.credentials import UnusableFolder, add_contexts, read_folder
from shared.events.catalogue import ISSUER_TOPIC, TOPICS
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

NAME = "verifier"
MIGRATIONS = Path(__file__).parent / "migrations"
ANYWHERE = "0.0.0.0/0,::/0"
_PURGE_SECONDS = 600.0
Shipped = Mapping[str, bytes]


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def build_context(
    db: Database, client: OutboundClient, evaluator: Evaluator, shipped: Shipped, notes: Notes, settings: Settings
) -> Context:
    """Everything the routes work with."""
    fetcher, registry = Fetcher(client), settings.registry_url.rstrip("/")
    issuers = Issuers(db, Resolver(db, fetcher, utc_now))
    documents = Documents(issuers)
    statuses = Statuses(db, fetcher, issuers, settings.issuer_url.rstrip("/"), utc_now)
    schemas = Schemas(shipped, fetcher if settings.fetch_schemas == "on" else None, documents, evaluator, utc_now)
    verifier = Verifier(db, documents, statuses, schemas, notes, registry, utc_now)
    challenges = Challenges(db, settings.operator_token.get_secret_value(), utc_now)
    presentations = PresentationVerifier(verifier, issuers, challenges, utc_now)
    tokens = SdJwtVcVerifier(issuers, challenges, utc_now)
    return Context(verifier, presentations, tokens, challenges, settings.verifier_url.rstrip("/"))


async def run(settings: Settings, shipped: Shipped) -> None:
    """Serve until told to stop. `shipped` are the schemas the operator gave."""
    async with AsyncExitStack() as stack:
        stack.callback(setup(NAME, TelemetrySettings(settings.otlp_endpoint, settings.log_level)))
        db = await stack.enter_async_context(Database.open(settings.database))
        bus = open_bus(settings)
        stack.push_async_callback(bus.close)
        # The operator names the key set's address; strangers name the others.
        trusted = await stack.enter_async_context(OutboundClient(AddressPolicy.parse(ANYWHERE)))
        policy = AddressPolicy.parse(settings.outbound_allow_networks)
        strangers = await stack.enter_async_context(OutboundClient(policy))
        await migrate_patiently(settings.database.owner_url, settings.database.url, [MIGRATIONS])
        relay = Relay(bus, db, topics=TOPICS)
        consumer = Consumer(bus, db, group=NAME, topics=[ISSUER_TOPIC], handlers=HANDLERS, instance=settings.instance)
        notes, public, secret = Notes(), settings.verifier_url.rstrip("/"), settings.operator_token.get_secret_value()
        app = create_app(
            title="Laurel verifier",
            description="Is this credential what it says, from whom it says, and still good?",
            settings=HttpSettings(public, secret, settings.rate_limit),
            db=db,
            routers=[
                verify.routes,
                sd_jwt_vcs.routes,
                vc_api.routes,
                vc_api.proof_only_routes,
                parked_router(db, group=NAME, handlers=HANDLERS),
            ],
            authenticator=Authenticator(
                RemoteKeySet(settings.key_set_url, trusted, db),
                issuer=settings.expected_issuer,
                operator_token=secret,
            ),
            ready=[lambda: ("relay", relay.trouble), lambda: ("consumer", consumer.trouble)],
        )
        evaluator = Evaluator()
        stack.push_async_callback(evaluator.close)
        app.state.context = build_context(db, strangers, evaluator, shipped, notes, settings)
        purge = Periodic("idempotency purge", _PURGE_SECONDS, lambda: idempotency.purge(db))
        components: list[Component] = [Recording(db, notes), relay, consumer, purge]
        await serve(app, host=settings.host, port=settings.port, components=components)


def main() -> None:
    """Entry point."""
    settings = Settings.load(NAME)
    shipped: Shipped = {}
    try:
        if settings.contexts:
            add_contexts(Path(settings.contexts))
    except UnusableFolder as error:
        sys.exit(f"{NAME}: LAUREL_CONTEXTS cannot be used: {error}")
    try:
        if settings.schemas:
            shipped = read_folder(Path(settings.schemas))
    except UnusableFolder as error:
        sys.exit(f"{NAME}: LAUREL_SCHEMAS cannot be used: {error}")
    run_loop(run(settings, shipped), uvloop=settings.uvloop == "auto")


if __name__ == "__main__":
    main()
