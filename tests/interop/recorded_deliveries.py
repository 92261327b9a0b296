"""Real deliveries to an endpoint whose secret is rotated, by a notifier whose clock may be off."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.fixtures.api import expect
from tests.fixtures.off_clock import set_clock
from tests.fixtures.receiver import Delivery, Receiver
from tests.integration.lone_notifier import LoneNotifier, Platform, revoked

BOTH = ["v1", "v1a"]
# By how much the clock is off. Far enough from 300 s that the verdict stays the same while the tests run.
OFF = {"200 s ago": -200, "299 s ahead": 299, "301 s ago": -301, "400 s ahead": 400}


@dataclass(frozen=True, slots=True)
class Keys:
    """What an endpoint's owner checks with."""

    secret: str
    public_key: str

    def of(self, way: str) -> str:
        """The one that this way of checking takes."""
        return self.public_key if way == "public-key" else self.secret


@dataclass(slots=True)
class Recorded:
    """What an endpoint received, each by a name, and its keys before and after their rotation."""

    old: Keys
    new: Keys
    deliveries: dict[str, Delivery] = field(default_factory=dict)


async def first_keys(platform: Platform) -> Keys:
    """The keys an endpoint was registered with."""
    return Keys(platform.secret, (await platform.endpoint())["public_key"])


async def rotate(platform: Platform, grace: int = 86_400) -> Keys:
    """Rotate the endpoint's secret; its new keys."""
    path = f"/v1/endpoints/{platform.id}/secret/rotate"
    answer = await platform.http.post(path, json={"grace_seconds": grace}, headers=platform.tenant.headers)
    rotated = expect(200, answer)
    return Keys(rotated["secret"], rotated["public_key"])


async def record(notifier: LoneNotifier, receiver: Receiver, clock: Path, format: str) -> Recorded:
    """Deliveries in that format: before a rotation, in its grace, and in its grace by a clock that is off."""
    async with httpx.AsyncClient(base_url=notifier.url, timeout=30, trust_env=False, verify=False) as http:
        platform = await Platform.join(notifier, receiver, http, signatures=BOTH, payload="full", format=format)
        old, before = await first_keys(platform), await _next_delivery(platform)
        made = Recorded(old, await rotate(platform), {"before": before})
        for name, seconds in {"now": 0, **OFF}.items():
            set_clock(clock, seconds)
            made.deliveries[name] = await _next_delivery(platform)
        set_clock(clock, 0)
        return made


async def _next_delivery(platform: Platform) -> Delivery:
    """What arrives of one more event, whose reason is not in ASCII."""
    so_far = len(await platform.receiver.received(platform.name))
    event = revoked(platform.tenant.id).model_copy(update={"reason": "Zurückgezogen – 取り消し 🎓"})
    await platform.notifier.publish(event)
    return (await platform.heard(so_far + 1))[-1]


async def check_with(platform: Platform, key: str) -> None:
    """Let the endpoint's requests say to its server with which key they are to be checked."""
    path = f"/v1/endpoints/{platform.id}"
    version = (await platform.http.get(path, headers=platform.tenant.headers)).headers["etag"]
    headers = {**platform.tenant.headers, "If-Match": version}
    expect(200, await platform.http.patch(path, json={"headers": {"X-Key": key}}, headers=headers))


async def next_status(platform: Platform) -> int:
    """What the endpoint's server answers to one more event, by the notifier's record."""
    known = len(await platform.messages())
    await platform.tell()
    for _ in range(400):
        if len(messages := await platform.messages()) > known:
            return int((await platform.attempts(messages[0]["id"]))[0]["status"])
        await asyncio.sleep(0.05)
    raise AssertionError("the event did not become a message")
