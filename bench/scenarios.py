"""What is measured: issuing, verifying, delivering, latencies, growth."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from bench.installation import Installation, metric
from bench.load import Run, percentile, post, repeat

ACHIEVEMENT = {
    "name": "Applied Statistics",
    "description": "Plans a study, analyses its data and says how sure the result is. " * 4,
    "criteria": {"narrative": "Three graded pieces of work and an oral examination. " * 8},
    "achievementType": "MicroCredential",
    "tag": ["statistics", "research methods"],
}
Say = Callable[[str], None]


@dataclass(frozen=True)
class Tenant:
    """An institution that can issue. Tokens last a quarter of an hour: `token` makes another."""

    here: Installation
    achievement: str
    client: dict[str, str]

    async def token(self, session: aiohttp.ClientSession) -> str:
        """A fresh access token."""
        form = {"grant_type": "client_credentials", **self.client}
        async with session.post(f"{self.here.url('issuer')}/oauth/token", data=form) as answer:
            return str((await answer.json())["access_token"])

    def order(self, number: int, suite: str) -> dict[str, Any]:
        """A request to issue."""
        email = f"learner{number}@example.com"
        return {"achievement": self.achievement, "recipient": {"email": email}, "cryptosuite": suite}


async def found(here: Installation, slug: str) -> Tenant:
    """Register an institution with one published achievement."""
    async with aiohttp.ClientSession() as session:
        issuer = here.url("issuer")
        body = {"slug": slug, "name": slug, "url": f"https://{slug}.example", "email": f"a@{slug}.example"}
        made = orjson.loads(await post(session, f"{issuer}/v1/institutions", body, here.operator, 201))
        client = {name: made["client"][name] for name in ("client_id", "client_secret")}
        tenant = Tenant(here, "", client)
        token = await tenant.token(session)
        created = orjson.loads(await post(session, f"{issuer}/v1/achievements", ACHIEVEMENT, token, 201))
        await post(session, f"{issuer}/v1/achievements/{created['id']}/publish", {}, token, 200)
        return Tenant(here, created["id"], client)


async def issue(tenant: Tenant, clients: int, seconds: float, suite: str = "eddsa-jcs-2022") -> Run:
    """Issue as fast as `clients` can."""
    async with aiohttp.ClientSession() as session:
        token = await tenant.token(session)
    url = f"{tenant.here.url('issuer')}/v1/credentials"

    async def ask(session: aiohttp.ClientSession, number: int) -> None:
        await post(session, url, tenant.order(number, suite), token, 201)

    return await repeat(clients, seconds, ask)


async def known(tenant: Tenant, suite: str = "eddsa-jcs-2022") -> list[bytes]:
    """Requests to verify 50 credentials that the verifier has heard of."""
    async with aiohttp.ClientSession() as session:
        token = await tenant.token(session)
        url = f"{tenant.here.url('issuer')}/v1/credentials"
        answers = [await post(session, url, tenant.order(n, suite), token, 201) for n in range(50)]
    await asyncio.sleep(2)  # the events arrive
    return [orjson.dumps({"credential": orjson.loads(answer)["credential"]}) for answer in answers]


async def verify(tenant: Tenant, bodies: Sequence[bytes], clients: int, seconds: float) -> Run:
    """Verify them in turn as fast as `clients` can."""

    async def ask(session: aiohttp.ClientSession, number: int) -> None:
        body = bodies[number % len(bodies)]
        raw = await post(session, f"{tenant.here.url('verifier')}/v1/verify", body, "", 200)
        if b'"verified":true' not in raw:
            raise RuntimeError(f"not verified: {raw[:500]!r}")

    return await repeat(clients, seconds, ask)


async def backlog(session: aiohttp.ClientSession, here: Installation) -> dict[str, int]:
    """Events in each outbox and before each consumer, by the services' own gauges, two seconds old at most."""
    found = {}
    for service in ("issuer", "registry", "verifier", "notifier"):
        for gauge in ("outbox_rows", "consumer_lag"):
            if waiting := await metric(session, here.url(service), gauge):
                found[f"{service} {gauge}"] = int(waiting)
    return found


async def drained(here: Installation, limit: float = 120.0) -> float:
    """Seconds until every outbox is empty and every consumer has caught up. Raises RuntimeError after `limit`."""
    started = time.perf_counter()
    async with aiohttp.ClientSession() as session:
        while True:
            await asyncio.sleep(0.25)
            waiting = await backlog(session, here)
            if not waiting and time.perf_counter() - started > 3:  # the gauges are at most two seconds old
                return time.perf_counter() - started
            if time.perf_counter() - started > limit:
                raise RuntimeError(f"after {limit:.0f} s there still wait {waiting}")


async def latencies(tenant: Tenant, clients: int, seconds: float) -> dict[str, float]:
    """From the 201 to the registry's record and to the webhook, in milliseconds, while `clients` issue.

    One client pauses between its requests, so that everything is idle, and is followed all the time; of those of more,
    who do not pause, one in 20 is followed.
    """
    here, followed, every = tenant.here, [], 1 if clients == 1 else 20
    pause = 0.005 if clients == 1 else 0.1  # asking more often would be a load of its own

    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as watching:
        token = await tenant.token(session)

        async def ask(own: aiohttp.ClientSession, number: int) -> None:
            url = f"{here.url('issuer')}/v1/credentials"
            raw = await post(own, url, tenant.order(number, "eddsa-jcs-2022"), token, 201)
            if number % every == 0:
                answered, credential = time.time(), orjson.loads(raw)["id"]
                watched = watching.create_task(_until_registered(session, here, credential, answered, pause))
                followed.append((credential, answered, watched))
                if clients == 1:
                    await watched
                    await asyncio.sleep(0.04)

        run = await repeat(clients, seconds, ask)
    async with aiohttp.ClientSession() as session:
        to_webhook = [
            (await _until_arrived(session, here, f"credential.issued {credential}") - answered) * 1000
            for credential, answered, _ in followed
        ]
    to_record = [watched.result() for _, _, watched in followed]
    return {
        "clients": clients,
        "issued_per_second": round(run.rate, 1),
        "registered_p50_ms": round(percentile(to_record, 0.5), 1),
        "registered_p99_ms": round(percentile(to_record, 0.99), 1),
        "webhook_p50_ms": round(percentile(to_webhook, 0.5), 1),
        "webhook_p99_ms": round(percentile(to_webhook, 0.99), 1),
    }


async def _until_registered(
    session: aiohttp.ClientSession, here: Installation, credential: str, since: float, pause: float
) -> float:
    while True:
        async with session.get(f"{here.url('registry')}/credentials/{credential}") as answer:
            if answer.status == 200:
                return (time.time() - since) * 1000
        await asyncio.sleep(pause)


async def _until_arrived(session: aiohttp.ClientSession, here: Installation, subject: str) -> float:
    for _ in range(3000):
        async with session.get(f"{here.sink}/arrived", params={"subject": subject}) as answer:
            moment = await answer.json()
        if moment is not None:
            return float(moment)
        await asyncio.sleep(0.01)
    raise RuntimeError(f"no webhook for {subject}")


async def endpoint(tenant: Tenant, session: aiohttp.ClientSession, token: str, events: list[str]) -> str:
    """Register the sink; gives the endpoint's id."""
    url = f"{tenant.here.url('notifier')}/v1/endpoints"
    return str(
        orjson.loads(await post(session, url, {"url": f"{tenant.here.sink}/hook", "events": events}, token, 201))["id"]
    )


async def listen(tenant: Tenant) -> None:
    """Let the sink hear of every credential that is issued."""
    async with aiohttp.ClientSession() as session:
        await endpoint(tenant, session, await tenant.token(session), ["credential.issued"])


async def deliver(tenant: Tenant, endpoints: int, messages: int) -> dict[str, float]:
    """Let a backlog build up behind paused endpoints, then measure how fast it drains."""
    here = tenant.here
    async with aiohttp.ClientSession() as session:
        token = await tenant.token(session)
        ids = [await endpoint(tenant, session, token, ["credential.issued"]) for _ in range(endpoints)]
        headers = {"Authorization": f"Bearer {token}"}
        for each in ids:
            url = f"{here.url('notifier')}/v1/endpoints/{each}"
            async with session.patch(url, json={"state": "paused"}, headers={**headers, "If-Match": '"1"'}) as answer:
                assert answer.status == 200, await answer.text()
        orders = f"{here.url('issuer')}/v1/credentials"
        for first in range(0, messages, 16):
            await asyncio.gather(
                *(
                    post(session, orders, tenant.order(n, "eddsa-jcs-2022"), token, 201)
                    for n in range(first, first + 16)
                )
            )
        await drained(here)
        before = await _count(session, here)
        started = time.perf_counter()
        for each in ids:
            await post(session, f"{here.url('notifier')}/v1/endpoints/{each}/enable", {}, token, 200)
        total = endpoints * messages
        while (done := await _count(session, here) - before) < total:
            if time.perf_counter() - started > 180:
                raise RuntimeError(f"{done} of {total} delivered after 180 s")
            await asyncio.sleep(0.05)
        elapsed = time.perf_counter() - started
    return {"deliveries": total, "endpoints": endpoints, "per_second": round(total / elapsed, 1)}


async def _count(session: aiohttp.ClientSession, here: Installation) -> int:
    async with session.get(f"{here.sink}/count") as answer:
        return int(await answer.json())


async def growth(tenant: Tenant, target: int, say: Say) -> list[dict[str, Any]]:
    """Issue until `target` credentials are stored; tell the rates along the way, and what waited at the end of each."""
    steps, stored = [], 0
    async with aiohttp.ClientSession() as session:
        token = await tenant.token(session)
        url = f"{tenant.here.url('issuer')}/v1/credentials"
        while stored < target:
            chunk = min(max(target // 5, 16), target - stored)
            begun = time.perf_counter()
            await _issue_many(session, url, tenant, token, chunk)
            elapsed = time.perf_counter() - begun
            stored += chunk
            waiting = await backlog(session, tenant.here)
            drain = await drained(tenant.here, 300)
            checked = await verify(tenant, await known(tenant), 16, 3)
            issued, verified = round(chunk / elapsed, 1), round(checked.rate, 1)
            step = {"stored": stored, "issued_per_second": issued, "verified_per_second": verified}
            steps.append({**step, "waiting_at_the_end": waiting, "drained_after_s": round(drain, 1)})
            say(f"  {stored:>7} stored: {issued} issued/s, {verified} verified/s")
            token = await tenant.token(session)
    return steps


async def _issue_many(session: aiohttp.ClientSession, url: str, tenant: Tenant, token: str, count: int) -> None:
    numbers = iter(range(count))

    async def client() -> None:
        for number in numbers:
            await post(session, url, tenant.order(number, "eddsa-jcs-2022"), token, 201)

    await asyncio.gather(*(client() for _ in range(16)))
