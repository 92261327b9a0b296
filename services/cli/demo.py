"""`laurel demo`: the product's main job on real processes, from an institution to a platform that shows its badges."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.cli import issue
from services.cli.client import Client, open_client
from services.cli.data_directory import mail_folder
from services.cli.demo_cast import Institution, PlatformProcess, found, open_platform
from services.cli.demo_profiles import LearnersWay, open_profiles
from services.cli.deployment import REPOSITORY
from services.cli.output import UserError, complain, progress, say, table
from services.cli.patience import WAIT_SECONDS, until
from services.cli.ports import free_ports
from services.cli.stack import Stack, StackOptions, local_settings, open_stack
from services.cli.stopwatch import Stopwatch
from services.cli.up import StopSignals

LEARNERS = REPOSITORY / "examples" / "learners.csv"
AT_ONCE = 16
# The platforms are on this machine, and the learners, who are made up, get letters in a folder.
INDOORS = {"LAUREL_WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8", "LAUREL_SMTP_URL": ""}


@dataclass(slots=True)
class Credential:
    """One learner's credential and how it fares."""

    institution: Institution
    learner: issue.Learner
    id: str
    link: str
    document: dict[str, Any] = field(default_factory=dict)
    verdict: str = ""


async def run(directory: Path, *, keep: bool) -> int:
    """Play it through; 0 when every part did what it should, else 1, with the reasons printed."""
    watch = Stopwatch()
    options = StackOptions(directory, free_ports(), None, local_settings() | INDOORS)
    async with AsyncExitStack() as opened:
        with watch.part("start Postgres and the four services"):
            stack = await opened.enter_async_context(open_stack(options))
            await stack.ready()
        platform = await opened.enter_async_context(open_platform())
        client = await opened.enter_async_context(open_client(AT_ONCE))
        with watch.part("start the sample platform"):
            profiles = await opened.enter_async_context(open_profiles(stack, client, issue.read_csv(LEARNERS)))
        faults = await Demo(stack, platform, profiles, client, watch).play()
        watch.show()
        for fault in faults:
            say(f"FAILED: {fault}")
        if faults:
            for service in stack.services.values():
                complain(f"the end of {service.name}'s log:\n{service.last_lines(10)}")
        say("everything did what it should" if not faults else f"{len(faults)} faults")
        if keep:
            say(f"profiles are at {profiles}")
            await _linger(stack)
    return 1 if faults else 0


async def _linger(stack: Stack) -> None:
    stop = StopSignals()
    stop.hurry = stack.kill_services
    say(f"still running; operator token in {stack.data / 'operator.token'}; Ctrl-C ends it")
    say(f"letters to learners are {stack.letters}")
    await stop.wait()


class Demo:
    """One performance. Each step is timed; `play` gives what went wrong."""

    def __init__(
        self, stack: Stack, platform: PlatformProcess, profiles: str, client: Client, watch: Stopwatch
    ) -> None:
        self.urls = stack.deployment.urls()
        self.operator = client.signed_in(stack.deployment.operator_token)
        self.client = client
        self.platform = platform
        self.profiles = profiles
        self.letters = mail_folder(stack.data)
        self.watch = watch
        self.faults: list[str] = []

    async def play(self) -> list[str]:
        """All steps in order."""
        with self.watch.part("two institutions, an achievement and a webhook endpoint each"):
            institutions = [await found(self.operator, self.urls, self.platform, number) for number in (0, 1)]
        with self.watch.part("issue 100 credentials"):
            credentials = await self._issue(institutions)
        with self.watch.part("registered, fetched from the registry"):
            await self._each("fetching", credentials, self._fetch)
        with self.watch.part("verify 100 credentials"):
            await self._each("verifying", credentials, self._verify)
        with self.watch.part("revoke one, until it is refused"):
            revoked = await self._revoke(credentials[0])
        with self.watch.part("wait for the last webhook"):
            report = await self._webhooks(credentials, credentials[0])
        with self.watch.part("claimed, shared with the sample platform, shown, and taken back"):
            steps = await self._share(credentials[1])
        show(institutions, credentials, report)
        show_refusal(credentials[0], revoked)
        table(("step", "what happened"), steps, title=f"Shared by {credentials[1].learner.name}")
        return self.faults

    async def _issue(self, institutions: Sequence[Institution]) -> list[Credential]:
        learners = issue.read_csv(LEARNERS)
        halves = [learners[0::2], learners[1::2]]
        with progress("issuing", len(learners)) as bar:
            work = (
                issue.issue_all(one.client, self.urls["issuer"], one.achievement, half, bar)
                for one, half in zip(institutions, halves, strict=True)
            )
            issued = await asyncio.gather(*work)
        for outcome in (one for half in issued for one in half if one.id is None):
            self.faults.append(f"{outcome.learner.email} was not issued: {outcome.problem}")
        return [
            Credential(institution, one.learner, one.id, f"{self.urls['registry']}/credentials/{one.id}")
            for institution, half in zip(institutions, issued, strict=True)
            for one in half
            if one.id is not None
        ]

    async def _each(self, label: str, credentials: Sequence[Credential], step: Any) -> None:
        slots = asyncio.Semaphore(AT_ONCE)
        with progress(label, len(credentials)) as bar:

            async def one(credential: Credential) -> None:
                async with slots:
                    await step(credential)
                bar.advance()

            await asyncio.gather(*(one(credential) for credential in credentials))

    async def _fetch(self, credential: Credential) -> None:
        credential.document = await until(lambda: self.client.find(credential.link), f"{credential.link} to appear")

    async def _verify(self, credential: Credential) -> None:
        answer = await self._verification(credential)
        credential.verdict = answer["verdict"]
        if not answer["verified"]:
            self.faults.append(f"{credential.id} did not verify: {answer['verdict']}")

    async def _verification(self, credential: Credential) -> Any:
        answer = await self.client.post(f"{self.urls['verifier']}/v1/verify", {"credential": credential.document})
        return answer.body

    async def _refusal(self, credential: Credential) -> Any:
        answer = await self._verification(credential)
        return None if answer["verified"] else answer

    async def _revoke(self, credential: Credential) -> Mapping[str, Any]:
        url = f"{self.urls['issuer']}/v1/credentials/{credential.id}/revoke"
        await credential.institution.client.post(url, {"reason": "awarded by mistake"}, key=f"revoke-{credential.id}")
        answer = await until(lambda: self._refusal(credential), "the revoked credential to be refused")
        credential.verdict = answer["verdict"]
        if answer["verdict"] != "revoked-or-suspended":
            self.faults.append(f"the revoked credential is {answer['verdict']}, not revoked-or-suspended")
        return dict(answer)

    async def _share(self, credential: Credential) -> list[tuple[str, str]]:
        registry, learner = self.urls["registry"], credential.learner
        way = LearnersWay(self.client, registry, self.profiles, self.letters, credential.id, learner)
        try:
            await way.go()
        except UserError as error:
            self.faults.append(str(error))
        return way.steps

    async def _webhooks(self, credentials: Sequence[Credential], revoked: Credential) -> Mapping[str, Any]:
        every = {credential.id for credential in credentials}
        expected = {"credential.issued": every, "credential.registered": every, "credential.revoked": {revoked.id}}
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            report = await self.platform.report()
            missing = {event: ids - set(report["credentials"].get(event, ())) for event, ids in expected.items()}
            if not any(missing.values()) or report["refused"] or time.monotonic() > deadline:
                break
            await asyncio.sleep(0.1)
        self.faults += [f"{len(ids)} webhooks {event} did not arrive" for event, ids in missing.items() if ids]
        self.faults += [f"the platform refused a webhook: {reason}" for reason in report["refused"]]
        return report


def show(institutions: Sequence[Institution], credentials: Sequence[Credential], report: Mapping[str, Any]) -> None:
    """What exists now, with ids and links."""
    table(
        ("institution", "DID", "achievement", "achievement id", "credentials"),
        [
            (one.name, one.did, one.achievement_name, one.achievement, sum(c.institution is one for c in credentials))
            for one in institutions
        ],
        title="Institutions",
    )
    announced = {event: set(ids) for event, ids in report["credentials"].items()}
    rows = [
        (
            credential.learner.name,
            credential.institution.slug,
            credential.link,
            credential.verdict,
            ", ".join(event.partition(".")[2] for event, ids in sorted(announced.items()) if credential.id in ids),
        )
        for credential in credentials
    ]
    table(("learner", "institution", "credential", "verdict", "webhooks received"), rows, title="Credentials")
    valid = sum(report["received"].values())
    say(f"\nwebhooks received by the platform: {valid}, each signature valid; refused: {len(report['refused'])}")


def show_refusal(credential: Credential, verification: Mapping[str, Any]) -> None:
    """What the verifier says about the revoked one."""
    rows = [(check["check"], check["outcome"], check.get("detail", "")) for check in verification["checks"]]
    table(("check", "outcome", "detail"), rows, title=f"Refused: {credential.learner.name}, {credential.id}")
