"""Rubbish on the bus (F13): what is set aside, how soon, and what it costs everybody else."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
from aiokafka import AIOKafkaProducer

from shared.events.catalogue import ISSUER_TOPIC, CredentialRevoked, InstitutionRegistered, InstitutionUpdated
from shared.events.catalogue.credential import StatusEntry
from shared.events.envelope import Envelope, Event
from shared.events.ids import new_id
from tests.faults import invariants
from tests.faults.load import Load
from tests.faults.test_broker import producer
from tests.fixtures.api import Api, expect
from tests.fixtures.receiver import Receiver
from tests.fixtures.services import StartStack

NOW = datetime.now(UTC)


async def test_poison_is_parked_with_its_reason_and_nobody_else_waits(
    start_stack: StartStack, receiver: Receiver
) -> None:
    """F13: six kinds of it, between good events."""
    stack = start_stack()
    assert stack.deployment.kafka is not None
    async with stack.api() as api, producer(stack.deployment.kafka) as client:
        load = await Load.prepare(api, receiver)
        calm = max([await time_to_record(load) for _ in range(8)])
        started = time.monotonic()
        expected = await poison(client)
        hurt = max([await time_to_record(load) for _ in range(8)])
        while (parked := await parked_at(api, "registry", [*expected, "unknown-type"])) != expected:
            assert time.monotonic() - started < 5, f"{parked}, not {expected}"
            await asyncio.sleep(0.1)
        took = time.monotonic() - started
        hurt = max(hurt, *[await time_to_record(load) for _ in range(8)])
        print(f"F13: all parked after {took:.1f} s; other keys {calm:.2f} s before, {hurt:.2f} s during")
        assert hurt < calm + 1
        await invariants.settle(stack, 20, parked=True)
        await invariants.recorded_once(api, stack, load.answered)
        await invariants.delivered_to(receiver, load.endpoint, load.answered)


async def time_to_record(load: Load) -> float:
    """Seconds from the answer to the public record."""
    made, started = await load.issue(), time.monotonic()
    while (await load.api.http.get(f"{load.api.urls['registry']}/credentials/{made}")).status_code != 200:
        assert time.monotonic() - started < 10
        await asyncio.sleep(0.02)
    return time.monotonic() - started


async def poison(client: AIOKafkaProducer) -> dict[str, str]:
    """Send it; gives the reason that the registry must find for each key."""
    revoked = CredentialRevoked(
        version=2,
        credential_id=uuid4(),
        institution_id=uuid4(),
        status_entry=StatusEntry(purpose="revocation", status_list_credential="https://x.example/1", index=1),
        reason="it was never issued",
        changed_at=NOW,
    )
    with_nul = institution(uuid4(), "nul-in-text", name="one\x00two")
    for key, value, event_type in (
        ("bad-json", b"{not json", InstitutionRegistered.TYPE),
        ("no-id", b"{}", InstitutionRegistered.TYPE),
        ("unknown-type", b"{}", "org.laurel.dragon.slain.v1"),
        ("huge", orjson.dumps({"version": 1, "pad": "x" * 900_000}), InstitutionRegistered.TYPE),
    ):
        dropped = {"ce_id"} if key == "no-id" else set()
        headers = [pair for pair in envelope(key, event_type, 1).headers() if pair[0] not in dropped]
        await client.send(ISSUER_TOPIC, value, key=key.encode(), headers=headers)
    for event in (revoked, with_nul):
        await send(client, event)
    await client.flush()
    return {
        "bad-json": "invalid-event",
        "no-id": "missing-attribute",
        "huge": "invalid-event",
        revoked.key: "unknown-credential",
        with_nul.key: "handler-failed",
    }


def institution(institution_id: UUID, slug: str, *, name: str, version: int = 1) -> Event:
    """The institution's registration, or a later change of its profile."""
    fields: dict[str, Any] = {"institution_id": institution_id, "slug": slug, "did": f"did:web:x.example:{slug}"}
    fields |= {"name": name, "url": "https://x.example", "version": version}
    if version == 1:
        return InstitutionRegistered(registered_at=NOW, **fields)
    return InstitutionUpdated(updated_at=NOW, **fields)


def envelope(key: str, event_type: str, sequence: int) -> Envelope:
    """As the issuer would send it."""
    return Envelope(id=new_id(), type=event_type, source="/issuer", subject=key, time=NOW, sequence=sequence)


async def send(client: AIOKafkaProducer, event: Event) -> UUID:
    """Produce an event of the issuer; its id."""
    sent = envelope(event.key, event.TYPE, event.version)
    await client.send(ISSUER_TOPIC, event.to_value(), key=event.key.encode(), headers=sent.headers())
    return sent.id


async def parked_at(api: Api, service: str, keys: list[str]) -> dict[str, str]:
    """Reason by key, of those that wait for a person."""
    items = await parked_items(api, service)
    return {item["key"]: item["reason"] for item in items if item["key"] in keys and item["retry_at"] is None}


async def parked_items(api: Api, service: str) -> list[dict[str, Any]]:
    """All that is parked there."""
    answer = await api.http.get(f"{api.urls[service]}/v1/parked-events?limit=200", headers=api.operator)
    return list(expect(200, answer)["items"])


async def test_a_parked_key_is_redriven_in_order(start_stack: StartStack, receiver: Receiver) -> None:
    """F13: what came later waits behind what failed; once its cause is gone all of it is handled as it came."""
    stack = start_stack()
    assert stack.deployment.kafka is not None
    async with stack.api() as api, producer(stack.deployment.kafka) as client:
        load = await Load.prepare(api, receiver)
        await api.registered(await load.issue())
        taken, late = load.institution.slug, uuid4()
        sent = [
            await send(client, institution(late, taken, name="First")),
            await send(client, institution(late, "late", name="Second", version=2)),
            await send(client, institution(late, "late", name="Third", version=3)),
        ]
        await client.flush()
        while len(items := await parked_items(api, "registry")) < 3 or any(item["retry_at"] for item in items):
            await asyncio.sleep(0.1)  # until nothing of it is tried again by itself
        assert [(item["event_id"], item["reason"]) for item in items] == [
            (str(sent[0]), "handler-failed"),
            (str(sent[1]), "behind"),
            (str(sent[2]), "behind"),
        ]
        await invariants.rows(stack, "registry", "UPDATE institution SET slug = 'moved' WHERE slug = $1", taken)
        url = f"{api.urls['registry']}/v1/parked-events/redrive"
        answer = await api.http.post(url, json={"topic": ISSUER_TOPIC, "key": str(late)}, headers=api.operator)
        done = expect(200, answer)
        assert (done["redriven"], done["waiting"], done["failure"]) == (3, 0, None)
        order = await invariants.rows(
            stack, "registry", "SELECT event_id FROM inbox WHERE event_id = ANY($1) ORDER BY at", sent
        )
        assert [row[0] for row in order] == sent
        profile = "SELECT name, version FROM institution WHERE institution_id = $1"
        assert tuple((await invariants.rows(stack, "registry", profile, late))[0]) == ("Third", 3)
