"""The notifier: settings → telemetry → database → bus → HTTP, consumer, dispatcher and relay. Builds all its parts."""

import ssl
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import FastAPI

from services.notifier.api import (
    attempts,
    bounces,
    dead_letters,
    endpoints,
    errors,
    event_types,
    events,
    learners,
    letters,
    messages,
    recovery,
    secrets,
    statistics,
    trials,
    unsubscribe,
)
from services.notifier.api.context import Context
from services.notifier.api.mail_context import MailContext
from services.notifier.commands.await_messages import Arrivals
from services.notifier.commands.fan_out import FanOut
from services.notifier.domain.content import Addresses
from services.notifier.domain.delivery import Schedule
from services.notifier.domain.mail import Sender as MailSender
from services.notifier.domain.mail_server import MailServer
from services.notifier.domain.mailbox import Mailbox
from services.notifier.domain.slots import Slots
from services.notifier.domain.wording import Wording
from services.notifier.handlers import handlers
from services.notifier.handlers.learners import Learners
from services.notifier.settings import Settings
from services.notifier.workers.dispatcher import Dispatcher
from services.notifier.workers.folder import FolderPostman
from services.notifier.workers.keys import SigningKeys
from services.notifier.workers.mailer import Mailer, Postman, Rules
from services.notifier.workers.recovering import Recovering
from services.notifier.workers.reminders import SECONDS as REMINDER_SECONDS
from services.notifier.workers.reminders import remind
from services.notifier.workers.retention import SECONDS as RETENTION_SECONDS
from services.notifier.workers.retention import remove_old
from services.notifier.workers.sending import Sender
from services.notifier.workers.smtp import SmtpPostman
from services.notifier.workers.upkeep import SECONDS, keep_up
from services.notifier.workers.watching import Watcher
from services.notifier.workers.writing import Writer
from shared.bus.opening import open_bus
from shared.credentials.sealing import Sealer, UnusableKek
from shared.events.catalogue import ISSUER_TOPIC, NOTIFIER_TOPIC, REGISTRY_TOPIC, TOPICS, VERIFIER_TOPIC
from shared.http import idempotency
from shared.http.addresses import AddressPolicy
from shared.http.app import HttpSettings, ReadyCheck, create_app
from shared.http.auth import Authenticator
from shared.http.keysets import RemoteKeySet
from shared.http.limits import FORM, MULTIPART, Limits
from shared.http.outbound import OutboundClient
from shared.http.server import Component, Periodic, run_loop, serve
from shared.http.streams import Places
from shared.inbox.api import parked_router
from shared.inbox.consumer import Consumer
from shared.inbox.dispatch import Handlers
from shared.inbox.inbox import KEEP_DAYS
from shared.outbox.relay import Relay
from shared.postgres.database import Database
from shared.postgres.migrations import migrate_patiently
from shared.telemetry import TelemetrySettings, setup

NAME = "notifier"
MIGRATIONS = Path(__file__).parent / "migrations"
TEMPLATES = Path(__file__).parent / "templates"
ANYWHERE = "0.0.0.0/0,::/0"
LOCAL_SENDER = "laurel@localhost"  # of letters that go no further than a folder
PARTS = (
    endpoints,
    secrets,
    trials,
    statistics,
    event_types,
    messages,
    attempts,
    recovery,
    dead_letters,
    events,
    letters,
    bounces,
    learners,
    unsubscribe,
)
_HEARD = (ISSUER_TOPIC, REGISTRY_TOPIC, VERIFIER_TOPIC, NOTIFIER_TOPIC)
_PURGE_SECONDS = 600.0


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


async def run(settings: Settings) -> None:
    """Serve until told to stop."""
    sealer = Sealer.from_text(settings.kek.get_secret_value())
    policy = AddressPolicy.parse(settings.webhook_allow_networks)
    async with AsyncExitStack() as stack:
        stack.callback(setup(NAME, TelemetrySettings(settings.otlp_endpoint, settings.log_level)))
        db = await stack.enter_async_context(Database.open(settings.database))
        bus = open_bus(settings)
        stack.push_async_callback(bus.close)
        # The operator names the key set's address; institutions name those of webhooks.
        trusted = await stack.enter_async_context(OutboundClient(AddressPolicy.parse(ANYWHERE)))
        slots = Slots(settings.webhook_slots)
        platforms = await stack.enter_async_context(
            OutboundClient(policy, user_agent="Laurel-Webhooks/1", connections=slots.most)
        )
        await migrate_patiently(settings.database.owner_url, settings.database.url, [MIGRATIONS])
        addresses = Addresses(settings.registry_url.rstrip("/"), settings.verifier_url.rstrip("/"))
        sender = Sender(platforms, Schedule.parse(settings.webhook_schedule), settings.webhook_timeout, utc_now)
        dispatcher = Dispatcher(db, SigningKeys(db, sealer), sender, slots=slots, clock=utc_now)
        arrivals, mail = Arrivals(db), _mail(settings, db, sealer, addresses)
        table = _handlers(settings, addresses, FanOut(dispatcher.wake, arrivals.notice), mail.context)
        relay = Relay(bus, db, topics=TOPICS)
        consumer = Consumer(bus, db, group=NAME, topics=_HEARD, handlers=table, instance=settings.instance)
        ready: list[ReadyCheck] = [
            lambda: ("relay", relay.trouble),
            lambda: ("consumer", consumer.trouble),
            lambda: ("dispatcher", dispatcher.trouble),
            mail.ready,
        ]
        app = _app(settings, db, trusted, table, ready)
        app.state.context = Context(
            db=db,
            sealer=sealer,
            policy=policy,
            platforms=platforms,
            timeout=settings.webhook_timeout,
            addresses=addresses,
            must_verify=settings.webhook_require_challenge,
            endpoints_each=settings.webhook_endpoints_each,
            wake=dispatcher.wake,
            clock=utc_now,
            arrivals=arrivals,
            places=Places(settings.streams, settings.streams_each),
        )
        app.state.mail = mail.context
        steady: list[Component] = [consumer, dispatcher, relay, Recovering(db, dispatcher.wake), Watcher(arrivals)]
        components = [*steady, *_regular(settings, db), *mail.components]
        await serve(app, host=settings.host, port=settings.port, components=components)


def news_within(retention_days: int) -> Callable[[datetime], bool]:
    """Tells whether an event of some time can be new here. An older one was told again: whether it had a message is
    not known any more, as neither that nor its place in the inbox is kept."""
    kept = timedelta(days=max(retention_days, KEEP_DAYS))
    return lambda at: utc_now() - at <= kept


def _handlers(settings: Settings, addresses: Addresses, fan_out: FanOut, mail: MailContext) -> Handlers:
    """What happens on each event."""
    learners = Learners(settings.recipients, mail.sealer, mail.wake, utc_now)
    return handlers(addresses, fan_out, learners, news_within(settings.webhook_retention_days))


def _app(
    settings: Settings, db: Database, trusted: OutboundClient, table: Handlers, ready: Sequence[ReadyCheck]
) -> FastAPI:
    """The routes; `trusted` may fetch the key set from wherever the operator says."""
    public, secret = settings.notifier_url.rstrip("/"), settings.operator_token.get_secret_value()
    app = create_app(
        title="Laurel notifier",
        description="Tells platforms what happens to credentials, by webhook.",
        settings=HttpSettings(public, secret, settings.rate_limit),
        db=db,
        routers=[*(part.routes for part in PARTS), parked_router(db, group=NAME, handlers=table)],
        authenticator=Authenticator(
            RemoteKeySet(settings.key_set_url, trusted, db),
            issuer=settings.expected_issuer,
            operator_token=secret,
        ),
        ready=ready,
        limits=Limits(media={unsubscribe.PATH: (FORM, MULTIPART), bounces.REPORT_PATH: (bounces.REPORT,)}),
    )
    errors.install(app)
    return app


def _regular(settings: Settings, db: Database) -> list[Component]:
    """What is done by the clock."""
    days = settings.webhook_retention_days
    return [
        Periodic("upkeep", SECONDS, lambda: keep_up(db, utc_now)),
        Periodic("idempotency purge", _PURGE_SECONDS, lambda: idempotency.purge(db)),
        Periodic("retention", RETENTION_SECONDS, lambda: remove_old(db, utc_now(), days)),
    ]


def read_wording(folder: Path) -> Wording:
    """The layouts in `folder` and the catalogues of sentences in its `languages`."""
    layouts = {file.name: file.read_text("utf-8") for file in folder.glob("*.*")}
    return Wording(layouts, {file.stem: file.read_text("utf-8") for file in folder.glob("languages/*.toml")})


@dataclass(frozen=True, slots=True)
class MailParts:
    """What letters need: routes their context, the process its components."""

    context: MailContext
    components: list[Component]
    ready: ReadyCheck


def _mail(settings: Settings, db: Database, sealer: Sealer, addresses: Addresses) -> MailParts:
    """Letters by SMTP, else into a folder. With neither nobody sends them, and they wait a week for somebody."""
    wording, postmen = read_wording(TEMPLATES), _postmen(settings)
    if postmen is None:
        return MailParts(MailContext(db, sealer, wording, lambda: None, utc_now), [], lambda: ("mailer", None))
    bounces_to = Mailbox.of(settings.mail_bounces) if settings.mail_bounces else None
    sender = MailSender(Mailbox.of(settings.mail_from or LOCAL_SENDER), bounces_to)
    writer = Writer(db, sealer, wording, sender, addresses, settings.notifier_url.rstrip("/"))
    rules = Rules(settings.mail_timeout, settings.mail_rate, Schedule.parse(settings.mail_schedule))
    mailer = Mailer(db, writer, postmen, rules, utc_now)
    reminders = Periodic("reminders", REMINDER_SECONDS, lambda: remind(db, mailer.wake, utc_now))
    context = MailContext(db, sealer, wording, mailer.wake, utc_now)
    return MailParts(context, [mailer, reminders], lambda: ("mailer", mailer.trouble))


def _postmen(settings: Settings) -> Callable[[], Postman] | None:
    url = settings.smtp_url.get_secret_value()
    if url:
        name = urlsplit(settings.notifier_url).hostname or "localhost"
        tls = ssl.create_default_context()
        return lambda: SmtpPostman(MailServer.parse(url), settings.mail_timeout, name, tls)
    return (lambda: FolderPostman(Path(settings.mail_dir))) if settings.mail_dir else None


def main() -> None:
    """Entry point. Settings that cannot be used end the process with a sentence, not a traceback."""
    try:
        settings = Settings.load(NAME)
        run_loop(run(settings), uvloop=settings.uvloop == "auto")
    except UnusableKek as error:
        sys.exit(f"notifier: LAUREL_KEK cannot be used: {error}")


if __name__ == "__main__":
    main()
