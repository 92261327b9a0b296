"""`laurel listen` over real HTTP: from the notifier's stream to a receiver on this machine."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from services.cli.deployment import REPOSITORY
from tests.fixtures.api import Api, Institution
from tests.fixtures.receiver import Receiver
from tests.fixtures.stack import Stack


def started(stack: Stack, who: Institution, *arguments: str) -> "subprocess.Popen[str]":
    """The command, running, signed in as the institution."""
    urls = ("--issuer", stack["issuer"].url, "--notifier", stack["notifier"].url)
    return subprocess.Popen(
        [sys.executable, "-m", "services", "listen", "--client-id", who.client_id, *urls, *arguments],
        cwd=REPOSITORY,
        env={"LAUREL_CLIENT_SECRET": who.client_secret, "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def listening(stack: Stack, who: Institution, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """The same, ended by force if the test has not ended it."""
    process = started(stack, who, *arguments)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line(process: "subprocess.Popen[str]") -> str:
    """The next line it prints."""
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


async def test_events_arrive_signed_and_none_is_missed_while_the_notifier_is_away(
    running: Stack, api: Api, receiver: Receiver
) -> None:
    institution = await api.institution()
    achievement = await api.achievement(institution)
    name = uuid4().hex
    to = ("--to", receiver.url(name), "--types", "credential.issued", "--types", "credential.registered")
    with listening(running, institution, *to) as process:
        secret = line(process).removeprefix("signing secret: ")
        assert line(process) == f"listening; events go to {receiver.url(name)}; Ctrl-C ends it"
        first = await api.issue(institution, achievement)
        await receiver.wait(name, 2)
        running["notifier"].stop()
        second = await api.issue(institution, achievement)
        running.start("notifier")
        deliveries = await receiver.wait(name, 4, 40)
        printed = [line(process).split() for _ in range(4)]
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    bodies = [delivery.verified(secret) for delivery in deliveries]
    assert sorted((body["data"]["credential_id"], body["type"]) for body in bodies) == sorted(
        (issued["id"], kind) for issued in (first, second) for kind in ("credential.issued", "credential.registered")
    )
    assert printed == [[body["type"], one.message_id, "200"] for body, one in zip(bodies, deliveries, strict=True)]
    assert len({delivery.message_id for delivery in deliveries}) == 4


async def test_it_goes_on_after_an_event_with_the_secret_it_is_given(
    running: Stack, api: Api, receiver: Receiver
) -> None:
    institution = await api.institution()
    await api.issue(institution, await api.achievement(institution))
    name, secret = uuid4().hex, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    options = ("--secret", secret, "--to", receiver.url(name, "status/500"), "--since")
    with listening(running, institution, *options, "oldest") as process:
        await receiver.wait(name, 3)
        assert line(process) == f"signing secret: {secret}"
        line(process)
        printed = [line(process).split() for _ in range(3)]
    assert [each[2] for each in printed] == ["500", "500", "500"]
    again = uuid4().hex
    with listening(running, institution, "--secret", secret, "--to", receiver.url(again), "--since", printed[0][1]):
        found = await receiver.wait(again, 2)
    assert [one.message_id for one in found[:2]] == [each[1] for each in printed[1:]]
    assert all(one.verified(secret) for one in found)


async def test_mistakes_end_it_in_one_line(running: Stack, api: Api) -> None:
    institution = await api.institution()
    hook = ("--to", "http://127.0.0.1:9/hook")
    for arguments, code in (
        (("--to", "localhost:9000"), 2),
        ((*hook, "--secret", "short"), 2),
        ((*hook, "--since", "yesterday"), 1),
        ((*hook, "--types", "credential.eaten"), 1),
        ((*hook, "--client-id", "nobody"), 1),
        ((*hook, "--notifier", "http://127.0.0.1:9"), 1),
    ):
        process = started(running, institution, *arguments)
        _, errors = process.communicate(timeout=30)
        assert process.returncode == code, (arguments, errors)
        assert errors.startswith("laurel: "), errors
        assert len(errors.splitlines()) == 1, errors
