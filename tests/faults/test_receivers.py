"""Platforms that hang, fail, drip, flood and send us elsewhere (F15): each harms itself alone."""

import asyncio
import itertools
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from tests.faults import invariants
from tests.faults.load import Load
from tests.fixtures.api import Api, expect
from tests.fixtures.receiver import Receiver
from tests.fixtures.services import StartStack

TIMEOUT = 15.0  # of an attempt, unless the operator sets another
EVERY_SECOND = {"LAUREL_WEBHOOK_SCHEDULE": ",".join(["1"] * 40)}


@dataclass(frozen=True, slots=True)
class Told:
    """How an attempt must have ended: (status, error), and the least seconds until the next one."""

    ends: tuple[int | None, str | None]
    pause: float = 0.8


BAD = {
    "hang": Told((None, "timeout")),
    "drip": Told((None, "timeout")),
    "reset": Told((None, "connection-failed")),
    "status/500": Told((500, None)),
    "status/410": Told((410, None)),
    "redirect": Told((302, None)),
    "throttle/2": Told((429, None), pause=2.0),
    "huge": Told((200, None)),
    "gzip-bomb": Told((200, None)),
}


async def test_a_bad_receiver_harms_itself_alone(start_stack: StartStack, receiver: Receiver) -> None:
    """F15: the healthy endpoint is as quick as before, and each bad one's attempts end and are on record."""
    stack = start_stack(env=EVERY_SECOND)
    elsewhere = uuid4().hex
    async with stack.api() as api:
        load = await Load.prepare(api, receiver)
        calm = max([await time_to_arrive(load, receiver) for _ in range(20)])
        endpoints = {}
        for behaviour in BAD:
            url = receiver.url(uuid4().hex, behaviour)
            url += f"?to={receiver.url(elsewhere)}" if behaviour == "redirect" else ""
            endpoints[behaviour] = (await api.endpoint(load.institution, url, ["credential.issued"]))["id"]
        first = await load.issue()
        attempts = await attempts_on(api, load, first, endpoints)
        for behaviour, told in BAD.items():
            check(behaviour, told, attempts[endpoints[behaviour]])
        hurt = max([await time_to_arrive(load, receiver) for _ in range(40)])
        gone = await api.http.get(f"{endpoint_url(api)}/{endpoints['status/410']}", headers=load.institution.headers)
        assert (gone.json()["state"], gone.json()["disabled_reason"]) == ("disabled", "gone")
        assert await receiver.received(elsewhere) == [], "a redirect was followed"
        await invariants.delivered_to(receiver, load.endpoint, load.answered)
    print(f"F15: slowest arrival {calm * 1000:.0f} ms before, {hurt * 1000:.0f} ms beside the bad")
    assert hurt < 2 * calm + 0.25


def endpoint_url(api: Api) -> str:
    """Where endpoints are."""
    return f"{api.urls['notifier']}/v1/endpoints"


async def time_to_arrive(load: Load, receiver: Receiver) -> float:
    """Seconds from the answer until both messages of an issue have arrived, by one clock."""
    made, started = await load.issue(), time.time()
    while len(found := [d for d in await receiver.received(load.endpoint.name) if made in d.body]) < 2:
        assert time.time() - started < 10
        await asyncio.sleep(0.02)
    return max(delivery.at for delivery in found) - started


async def attempts_on(
    api: Api, load: Load, credential: str, endpoints: dict[str, str]
) -> dict[str, list[dict[str, Any]]]:
    """The attempts to announce `credential`, by endpoint, once each has made one and those that are quick two."""
    message = await message_of(api, load, credential)
    slow = {endpoints[behaviour] for behaviour in ("hang", "drip", "status/410", "huge", "gzip-bomb")}
    deadline = time.monotonic() + TIMEOUT + 5
    while True:
        url = f"{api.urls['notifier']}/v1/messages/{message}/attempts?limit=200"
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for attempt in expect(200, await api.http.get(url, headers=load.institution.headers))["items"]:
            found[attempt["endpoint_id"]].append(attempt)
        if all(len(found[one]) >= (1 if one in slow else 2) for one in endpoints.values()):
            return found
        assert time.monotonic() < deadline, {name: len(found[one]) for name, one in endpoints.items()}
        await asyncio.sleep(0.2)


async def message_of(api: Api, load: Load, credential: str) -> str:
    """The id of the message that announces it, once there is one."""
    url = f"{api.urls['notifier']}/v1/messages?type=credential.issued&limit=200"
    while True:
        for one in expect(200, await api.http.get(url, headers=load.institution.headers))["items"]:
            if one["payload"]["data"]["credential_id"] == credential:
                return str(one["id"])
        await asyncio.sleep(0.1)


def check(behaviour: str, told: Told, attempts: list[dict[str, Any]]) -> None:
    """Each attempt ended in time, as it had to, and kept no more than 4 KiB of what came."""
    for attempt in attempts:
        assert (attempt["status"], attempt["error"]) == told.ends, f"{behaviour}: {attempt}"
        assert attempt["duration_ms"] <= (TIMEOUT + 2) * 1000, f"{behaviour}: {attempt['duration_ms']} ms"
        # Bytes that are no text are kept as \xNN: four characters each.
        assert len(attempt["answer"].encode()) <= 4 * 4096, f"{behaviour}: kept {len(attempt['answer'])}"
    times = [moment(attempt["at"]) for attempt in attempts]
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert all(pause >= told.pause for pause in pauses), f"{behaviour}: {pauses}"


def moment(text: str) -> float:
    """Seconds of a timestamp."""
    return datetime.fromisoformat(text).timestamp()
