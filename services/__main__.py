"""The `laurel` command. Each subcommand's work is in `services/cli/`, loaded when it is asked for."""

import asyncio
import sys
import tempfile
from collections.abc import Coroutine
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.data_directory import mail_folder
from services.cli.deployment import SERVICES
from services.cli.output import UserError, complain

app = typer.Typer(
    name="laurel",
    help="Laurel: an event-driven registry for micro-credentials.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class BusKind(StrEnum):
    """What carries the events."""

    embedded = "embedded"
    kafka = "kafka"


class Source(StrEnum):
    """Services whose events can be replayed."""

    issuer = "issuer"
    registry = "registry"


IssuerUrl = Annotated[str, typer.Option("--issuer", envvar="LAUREL_ISSUER_URL", help="Base URL of the issuer.")]
RegistryUrl = Annotated[str, typer.Option("--registry", envvar="LAUREL_REGISTRY_URL", help="Base URL of the registry.")]
VerifierUrl = Annotated[str, typer.Option("--verifier", envvar="LAUREL_VERIFIER_URL", help="Base URL of the verifier.")]
NotifierUrl = Annotated[str, typer.Option("--notifier", envvar="LAUREL_NOTIFIER_URL", help="Base URL of the notifier.")]
DataOption = Annotated[Path, typer.Option("--data", help="Directory of the installation; holds its operator.token.")]
ISSUER, REGISTRY, VERIFIER, NOTIFIER = (f"http://localhost:{port}" for port in SERVICES.values())


@app.command()
def up(
    data: Annotated[Path, typer.Option(help="Where everything is kept.")] = Path("data"),
    bus: Annotated[BusKind, typer.Option(help="embedded keeps events in Postgres.")] = BusKind.embedded,
    kafka: Annotated[str, typer.Option(metavar="HOST:PORT", help="Kafka, for --bus kafka.")] = "localhost:9092",
    issuer_port: int = SERVICES["issuer"],
    registry_port: int = SERVICES["registry"],
    verifier_port: int = SERVICES["verifier"],
    notifier_port: int = SERVICES["notifier"],
) -> None:
    """Start the four services and their Postgres on this machine; Ctrl-C stops them."""
    from services.cli import stack, up

    ports = {"issuer": issuer_port, "registry": registry_port, "verifier": verifier_port, "notifier": notifier_port}
    address = kafka if bus is BusKind.kafka else None
    up.run(stack.StackOptions(data.absolute(), ports, address, stack.local_settings()))


@app.command()
def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running afterwards, until Ctrl-C.")] = False,
) -> None:
    """Show the main job: 2 institutions, 100 credentials, verified, revoked, announced, one shown on a profile."""
    from services.cli import demo

    with tempfile.TemporaryDirectory(prefix="laurel-demo-") as directory:
        _run(demo.run(Path(directory), keep=keep))


@app.command()
def status(
    issuer: IssuerUrl = ISSUER,
    registry: RegistryUrl = REGISTRY,
    verifier: VerifierUrl = VERIFIER,
    notifier: NotifierUrl = NOTIFIER,
) -> None:
    """Health of the four services: readiness, outbox, lag, parked events. Exit code 1 unless all are ready."""
    from services.cli import status

    _run(status.run({"issuer": issuer, "registry": registry, "verifier": verifier, "notifier": notifier}))


@app.command()
def issue(
    client_id: Annotated[str, typer.Option(envvar="LAUREL_CLIENT_ID")],
    client_secret: Annotated[str, typer.Option(envvar="LAUREL_CLIENT_SECRET", help="Better given by environment.")],
    achievement: Annotated[str, typer.Option(help="Id of a published achievement.")],
    email: Annotated[str | None, typer.Option(help="The learner's e-mail address …")] = None,
    did: Annotated[str | None, typer.Option(help="… or DID.")] = None,
    name: Annotated[str | None, typer.Option(help="The learner's name.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Many learners: a file with columns email or did, and name.")] = None,
    issuer: IssuerUrl = ISSUER,
) -> None:
    """Issue one credential, or one for each row of a CSV file. The same row again, within a day, is issued once."""
    from services.cli import issue

    learners = issue.read_csv(csv) if csv else [issue.Learner(email=email, did=did, name=name)]
    if csv and (email or did or name):
        raise UserError("give either --csv or one learner, not both", 2)
    _run(issue.run(issuer, client_id, client_secret, achievement, learners))


@app.command()
def verify(
    credential: Annotated[str, typer.Argument(metavar="FILE|URL", help="A credential as JSON; - reads it from stdin.")],
    verifier: VerifierUrl = VERIFIER,
) -> None:
    """Verify a credential. Exit code 0: verified, 1: not, 2: not a credential, 3: the verifier cannot be asked."""
    from services.cli import verify

    _run(verify.run(credential, verifier))


@app.command()
def listen(
    client_id: Annotated[str, typer.Option(envvar="LAUREL_CLIENT_ID")],
    client_secret: Annotated[str, typer.Option(envvar="LAUREL_CLIENT_SECRET", help="Better given by environment.")],
    to: Annotated[str, typer.Option(metavar="URL", help="Where to send them, as in http://localhost:9000/hook.")],
    types: Annotated[list[str] | None, typer.Option(help="Only this event type; repeatable.")] = None,
    since: Annotated[str, typer.Option(help="now, oldest, or an event's id: what came after it.")] = "now",
    secret: Annotated[str | None, typer.Option(help="whsec_… to sign with; a new one each time unless given.")] = None,
    issuer: IssuerUrl = ISSUER,
    notifier: NotifierUrl = NOTIFIER,
) -> None:
    """Send an institution's or a platform's events to a URL of yours as signed webhooks, while you develop."""
    from services.cli import listen

    account = listen.Account(issuer, client_id, client_secret)
    _run(listen.run(account, listen.Wish(notifier, types or (), since), to, secret))


@app.command()
def mail(
    letter: Annotated[int | None, typer.Argument(metavar="[NUMBER]", help="Show this one of the list.")] = None,
    data: Annotated[Path, typer.Option(help="Directory of the installation.")] = Path("data"),
) -> None:
    """List the letters that an installation without a mail server wrote to its folder, or show one."""
    from services.cli import mail

    raise typer.Exit(mail.run(mail_folder(data), letter))


@app.command()
def replay(
    source: Annotated[Source | None, typer.Option(help="Whose events; both services' unless given.")] = None,
    data: DataOption = Path("data"),
    issuer: IssuerUrl = ISSUER,
    registry: RegistryUrl = REGISTRY,
) -> None:
    """Publish recorded events again, with their first ids, so that a consumer can rebuild what it derives."""
    from services.cli import replay

    urls = {"issuer": issuer, "registry": registry}
    _run(replay.run({name: url for name, url in urls.items() if source in (None, name)}, data))


@app.command()
def migrate(
    services: Annotated[list[str] | None, typer.Argument(metavar="[SERVICE]…", help="All four unless given.")] = None,
) -> None:
    """Bring databases up to date, using LAUREL_DATABASE_OWNER_URL, or LAUREL_ISSUER_DATABASE_OWNER_URL and so on."""
    from services.cli import migrate

    _run(migrate.run(services or list(SERVICES)))


def _run(work: Coroutine[Any, Any, int]) -> None:
    """Run one command's coroutine; what it returns is the exit code."""
    raise typer.Exit(asyncio.run(work))


def main() -> None:
    """Entry point. Mistakes of the person at the keyboard end in one line, without a traceback."""
    try:
        app()
    except UserError as error:
        complain(f"laurel: {error}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
