"""The issuer: settings → telemetry → database → bus → HTTP, relay and expiry. The only file that builds its parts."""

import sys
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from services.issuer.api import (
    achievements,
    clients,
    context,
    credentials,
    errors,
    institutions,
    keys,
    learners,
    oauth,
    platform_clients,
    platforms,
    public,
    replay,
    sd_jwt_vcs,
    vc_api,
)
from services.issuer.commands.grant_token import TokenGranter
from services.issuer.commands.issue_credential import Issuer
from services.issuer.commands.issuer_state import IssuerState
from services.issuer.commands.reserve_positions import PositionPool
from services.issuer.commands.seal_recipient import RecipientSealer
from services.issuer.commands.secure_credential import Securer
from services.issuer.commands.secure_sd_jwt_vc import SdJwtVcSecurer
from services.issuer.commands.sign_status_list import StatusLists
from services.issuer.commands.token_keys import TokenKeys
from services.issuer.domain.access_token import AUDIENCE
from services.issuer.domain.addresses import Addresses
from services.issuer.settings import Settings
from services.issuer.workers.expiry import SECONDS, expire_due
from shared.bus.opening import open_bus
from shared.credentials import UnusableFolder, add_contexts
from shared.credentials.sealing import CannotUnseal, Sealer, UnusableKek
from shared.events.catalogue import TOPICS
from shared.http import idempotency
from shared.http.app import HttpSettings, create_app
from shared.http.auth import Authenticator
from shared.http.limits import FORM, Limits
from shared.http.server import Periodic, run_loop, serve
from shared.outbox.relay import Relay
from shared.postgres.database import Database, Unavailable
from shared.postgres.migrations import migrate_patiently
from shared.telemetry import TelemetrySettings, setup

MIGRATIONS = Path(__file__).parent / "migrations"
# The busiest first: a request tries the routes in this order.
ROUTERS = (
    credentials.routes,
    vc_api.routes,
    public.routes,
    oauth.routes,
    achievements.routes,
    institutions.routes,
    clients.routes,
    keys.routes,
    platforms.routes,
    platform_clients.routes,
    learners.routes,
    replay.routes,
    sd_jwt_vcs.routes,
)
_PURGE_SECONDS = 600.0


def build_context(db: Database, settings: Settings) -> context.Context:
    """Everything the routes work with. Raises UnusableKek."""
    sealer = Sealer.from_text(settings.kek.get_secret_value())
    addresses = Addresses(
        issuer=settings.issuer_url.rstrip("/"),
        registry=settings.registry_url.rstrip("/"),
        verifier=settings.verifier_url.rstrip("/"),
    )
    token_keys, state = TokenKeys(db, sealer, context.utc_now), IssuerState(sealer)
    recipients = RecipientSealer(sealer, settings.recipients)
    return context.Context(
        db=db,
        sealer=sealer,
        recipients=recipients,
        addresses=addresses,
        positions=PositionPool(db, context.utc_now),
        issuer=Issuer(state, recipients, addresses),
        securer=Securer(state, addresses),
        sd_jwt_vcs=SdJwtVcSecurer(state),
        token_keys=token_keys,
        tokens=TokenGranter(db, token_keys, settings.expected_issuer, context.utc_now),
        status_lists=StatusLists(db, sealer, addresses, context.utc_now),
        clock=context.utc_now,
    )


async def run(settings: Settings) -> None:
    """Serve until told to stop."""
    async with AsyncExitStack() as stack:
        stack.callback(setup("issuer", TelemetrySettings(settings.otlp_endpoint, settings.log_level)))
        db = await stack.enter_async_context(Database.open(settings.database))
        here = build_context(db, settings)
        bus = open_bus(settings)
        stack.push_async_callback(bus.close)
        await migrate_patiently(settings.database.owner_url, settings.database.url, [MIGRATIONS])
        with suppress(Unavailable):  # then it is made, or opened, when the first token is asked for
            await here.token_keys.signer()
        relay = Relay(bus, db, topics=TOPICS)
        app = create_app(
            title="Laurel issuer",
            description="Who may issue, keys, achievements, issued credentials and their status lists.",
            settings=HttpSettings(settings.issuer_url.rstrip("/"), _cursor_secret(settings), settings.rate_limit),
            db=db,
            routers=ROUTERS,
            authenticator=Authenticator(
                here.token_keys,
                audience=AUDIENCE,
                issuer=settings.expected_issuer,
                operator_token=settings.operator_token.get_secret_value(),
            ),
            ready=[lambda: ("bus", relay.trouble)],
            limits=Limits(media={oauth.TOKEN_PATH: (FORM,)}),
        )
        app.state.context = here
        errors.install(app)
        purge = Periodic("idempotency purge", _PURGE_SECONDS, lambda: idempotency.purge(db))
        expiry = Periodic("expiry", SECONDS, lambda: expire_due(db, here.clock))
        await serve(app, host=settings.host, port=settings.port, components=[relay, expiry, purge])


def _cursor_secret(settings: Settings) -> str:
    return settings.operator_token.get_secret_value()


def main() -> None:
    """Entry point. Settings that cannot be used end the process with a sentence, not a traceback."""
    try:
        settings = Settings.load("issuer")
        if settings.contexts:
            add_contexts(Path(settings.contexts))
        run_loop(run(settings), uvloop=settings.uvloop == "auto")
    except CannotUnseal as error:
        sys.exit(f"issuer: LAUREL_KEK does not open what the database holds: {error}")
    except UnusableFolder as error:
        sys.exit(f"issuer: LAUREL_CONTEXTS cannot be used: {error}")
    except UnusableKek as error:
        sys.exit(f"issuer: LAUREL_KEK cannot be used: {error}; it is written id:base64, 32 bytes each")


if __name__ == "__main__":
    main()
