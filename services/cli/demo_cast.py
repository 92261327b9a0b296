"""Who plays in the demo: two institutions and a platform, the latter a process of its own."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from services.cli.client import Client, open_client
from services.cli.deployment import process_environment
from services.cli.output import UserError

EVENTS = ["credential.issued", "credential.registered", "credential.revoked"]
INSTITUTIONS = (
    {
        "slug": "northport",
        "name": "Northport University",
        "url": "https://northport.example.org",
        "email": "registrar@northport.example.org",
    },
    {
        "slug": "ashgrove",
        "name": "Ashgrove Institute of Technology",
        "url": "https://ashgrove.example.org",
        "email": "credentials@ashgrove.example.org",
    },
)
ACHIEVEMENTS = (
    {
        "name": "Applied Statistics",
        "description": "Plans a study, analyses its data and says how sure the result is.",
        "criteria": {"narrative": "Three graded pieces of work and an oral examination."},
        "achievementType": "MicroCredential",
        "tag": ["statistics", "data"],
    },
    {
        "name": "Secure Web Services",
        "description": "Builds and runs a web service that withstands the attacks it will meet.",
        "criteria": {"narrative": "A service of one's own, attacked by the class for a week."},
        "achievementType": "MicroCredential",
        "tag": ["security", "web"],
    },
)


@dataclass(frozen=True, slots=True)
class Institution:
    """A registered institution; `client` is signed in as it."""

    slug: str
    name: str
    did: str
    achievement: str
    achievement_name: str
    client: Client


class PlatformProcess:
    """The running platform."""

    def __init__(self, url: str, client: Client) -> None:
        self.url = url
        self._client = client

    async def subscribe(self, page: str, secret: str) -> None:
        """Hand the platform the secret that the deliveries to `page` are signed with."""
        await self._client.post(f"{self.url}/subscriptions", {"page": page, "secret": secret})

    async def report(self) -> Mapping[str, Any]:
        """What it received so far."""
        return dict(await self._client.get(f"{self.url}/report"))


@asynccontextmanager
async def open_platform() -> AsyncIterator[PlatformProcess]:
    """Start the platform; it ends with the block, or with this process, because its standard input does."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli.demo_platform"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=process_environment({}, os.environ),
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        port = (await process.stdout.readline()).decode().strip()
        if not port:
            raise UserError("the demo's platform did not start")
        async with open_client() as client:
            yield PlatformProcess(f"http://127.0.0.1:{port}", client)
    finally:
        process.stdin.close()
        await process.wait()


async def found(operator: Client, urls: Mapping[str, str], platform: PlatformProcess, number: int) -> Institution:
    """Register institution `number`, publish its achievement and point its webhooks at the platform."""
    issuer, profile, achievement = urls["issuer"], INSTITUTIONS[number], ACHIEVEMENTS[number]
    made = (await operator.post(f"{issuer}/v1/institutions", profile, key=f"demo-{profile['slug']}")).body
    client = await operator.sign_in(issuer, made["client"]["client_id"], made["client"]["client_secret"])
    draft = (await client.post(f"{issuer}/v1/achievements", achievement, key=f"demo-{number}")).body
    await client.post(f"{issuer}/v1/achievements/{draft['id']}/publish", {}, key=f"demo-publish-{number}")
    page = f"{platform.url}/webhooks/{profile['slug']}"
    endpoint = await client.post(
        f"{urls['notifier']}/v1/endpoints", {"url": page, "events": EVENTS}, key="demo-endpoint"
    )
    await platform.subscribe(profile["slug"], endpoint.body["secret"])
    return Institution(profile["slug"], profile["name"], made["did"], draft["id"], str(achievement["name"]), client)
