"""The demo's learner, who shows a credential on the sample platform of `examples/platform` and takes it back."""

import asyncio
import html
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from services.cli.client import ApiError, Client
from services.cli.deployment import process_environment
from services.cli.issue import Learner
from services.cli.mail import Letter, letters_in
from services.cli.patience import until
from services.cli.ports import free_ports
from services.cli.stack import Stack
from services.cli.supervisor import Guardian
from services.cli.verify import fetch

PROFILES = {
    "slug": "profiles",
    "name": "Profiles",
    "url": "https://profiles.example.org",
    "email": "hooks@profiles.example.org",
}


@asynccontextmanager
async def open_profiles(stack: Stack, client: Client, members: Sequence[Learner]) -> AsyncIterator[str]:
    """Admit the sample platform and run it, with a profile for each member: its address, once it is ready."""
    urls, operator = stack.deployment.urls(), client.signed_in(stack.deployment.operator_token)
    made = (await operator.post(f"{urls['issuer']}/v1/platforms", PROFILES, key="demo-profiles")).body
    port = free_ports()["notifier"]
    told = {
        **{f"LAUREL_{name.upper()}_URL": url for name, url in urls.items()},
        "LAUREL_CLIENT_ID": made["client"]["client_id"],
        "LAUREL_CLIENT_SECRET": made["client"]["client_secret"],
        "PLATFORM_HOST": "127.0.0.1",
        "PLATFORM_PORT": str(port),
        "PLATFORM_URL": f"http://127.0.0.1:{port}",
        "PLATFORM_DATABASE": ":memory:",
        "PLATFORM_MEMBERS": ",".join(f"{one.name}={one.email}" for one in members),
    }
    async with _process(told, stack.data / "logs" / "profiles.log"):
        await until(lambda: _ready(client, told["PLATFORM_URL"]), "the sample platform to start")
        yield told["PLATFORM_URL"]


@asynccontextmanager
async def _process(told: Mapping[str, str], log: Path) -> AsyncIterator[None]:
    """The platform, which ends with the block or with this process."""
    guardian = Guardian()
    try:
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "examples.platform"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=process_environment(told, os.environ),
                start_new_session=True,
            )
        guardian.watch("service", process.pid)
        yield
    finally:
        await asyncio.to_thread(guardian.dismiss)


@dataclass(frozen=True, slots=True)
class LearnersWay:
    """A learner's credential, from the letter to the removal. `steps` is what happened, in words."""

    client: Client
    registry: str
    profiles: str
    letters: Path
    credential_id: str
    learner: Learner
    steps: list[tuple[str, str]] = field(default_factory=list)

    async def go(self) -> None:
        """All of it. Raises UserError where something does not happen within a minute."""
        letter = await until(self._letter, f"the letter to {self.learner.email}")
        self._note("letter", f"{letter.header('Subject')!r} to {self.learner.email}")
        learner = await self._claim(letter)
        credential = f"{self.registry}/v1/credentials/{self.credential_id}"
        await until(self._platform, "the registry to hear of the platform")
        shared = (await learner.post(f"{credential}/share", {"platform": PROFILES["slug"]})).body
        self._note("shared", f"with {PROFILES['name']}, on these terms: {shared['consent']['text']}")
        await until(lambda: self._page(shows=True), "the credential to be shown")
        self._note("shown", self._address)
        await learner.post(f"{credential}/unshare", {"platform": PROFILES["slug"]})
        await until(lambda: self._page(shows=False), "the credential to be removed")
        self._note("unshared", "gone from the profile")
        await until(lambda: self._removal(learner, credential), "the removal to be confirmed")
        self._note("removed", "confirmed by the platform")

    def _note(self, step: str, what: str) -> None:
        self.steps.append((step, what))

    async def _letter(self) -> Letter | None:
        found = await asyncio.to_thread(letters_in, self.letters)
        return next((one for one in found if f"/claim#{self.credential_id}." in one.text), None)

    async def _claim(self, letter: Letter) -> Client:
        link = next(line for line in letter.text.splitlines() if f"/claim#{self.credential_id}." in line)
        code = link.strip().rpartition(".")[2]
        answer = await self.client.post(f"{self.registry}/v1/claims", {"code": code})
        self._note("claimed", f"{self.credential_id}, by the letter's link")
        return self.client.signed_in(answer.body["token"])

    async def _platform(self) -> bool | None:
        listed = await self.client.get(f"{self.registry}/v1/platforms")
        return any(one["slug"] == PROFILES["slug"] for one in listed["items"]) or None

    @property
    def _address(self) -> str:
        return f"{self.profiles}/members/{quote(str(self.learner.name))}"

    async def _page(self, *, shows: bool) -> bool | None:
        page = html.unescape((await fetch(self._address)).decode())
        return (f"/credentials/{self.credential_id}" in page) is shows or None

    async def _removal(self, learner: Client, credential: str) -> bool | None:
        shares = await learner.get(f"{credential}/shares")
        return shares["items"][0]["state"] == "removed" or None


async def _ready(client: Client, url: str) -> bool | None:
    try:
        await client.get(f"{url}/readyz")
    except ApiError:
        return None
    return True
