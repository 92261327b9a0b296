"""Where a learner's address, name, code and token may not be seen: in topics, logs, webhooks, spans, and databases."""

import asyncio
import re
import time
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from tests.fixtures.api import Api, expect
from tests.fixtures.receiver import Receiver
from tests.fixtures.services import StartStack
from tests.fixtures.stack import Stack
from tests.fixtures.trace_sink import TraceSink, trace_sink
from tests.integration.learners import Learner, Letters, known, letters

ADDRESS, NAME = "Quinoxaline.Canary@Example.org", "Quinoxaline Canary"
SEEN = re.compile(rb"quinoxaline|canary", re.IGNORECASE)


@pytest.mark.parametrize("bus", ["kafka", "embedded"])
async def test_a_learner_is_named_nowhere_in_the_clear(start_stack: StartStack, receiver: Receiver, bus: str) -> None:
    with trace_sink() as sink:
        environment = {"LAUREL_OTLP_ENDPOINT": sink.endpoint, "LAUREL_LOG_LEVEL": "debug"}
        stack = start_stack(bus, env=environment)
        async with stack.api() as api, letters(stack) as post:
            code, token = await live(api, post, receiver)
            await api.http.post(f"{api.urls['registry']}/v1/claims", json={"code": code})
            await asyncio.sleep(1)
            await post.read()
            secrets = re.compile(b"|".join([SEEN.pattern, *(re.escape(one.encode()) for one in (code, token))]), re.I)
            places = {
                **in_topics(post),
                **await in_spans(sink),
                **in_logs(stack),
                **await in_webhooks(receiver),
                **await in_databases(stack),
            }
    assert len([name for name in places if name.startswith("topic")]) >= 10
    assert len([name for name in places if name.startswith("log")]) == 4
    assert len([name for name in places if name.startswith("webhook")]) >= 5
    assert len([name for name in places if name.startswith("table")]) >= 40
    assert not {name: found[0][:40] for name, content in places.items() if (found := secrets.findall(content))}


async def live(api: Api, post: Letters, receiver: Receiver) -> tuple[str, str]:
    """Everything that happens to a learner; gives the code and the token they had."""
    institution, platform = await api.institution(), await api.platform()
    await api.endpoint(institution, receiver.url("heard-at-school"), ["*"])
    await api.endpoint(platform, receiver.url("heard-at-platform"), ["*"])
    recipient = {"email": ADDRESS, "name": NAME, "language": "de"}
    body = {"achievement": await api.achievement(institution), "recipient": recipient}
    made = expect(201, await api.post_credential(institution, body, key=uuid4().hex))
    await known(api, platform.id)
    learner = await Learner.of(api, post, made["id"])
    await learner.act("share", platform.slug, 201)
    await api.change(institution, made["id"], "revoke")
    await receiver.wait("heard-at-platform", 2)
    await learner.act("unshare", platform.slug)
    await receiver.wait("heard-at-platform", 3)
    await receiver.wait("heard-at-school", 4)
    await api.http.post(f"{api.urls['issuer']}/v1/replay", json={}, headers=api.operator)
    listing = {"recipient_email": ADDRESS}
    url = f"{api.urls['issuer']}/v1/credentials"
    assert expect(200, await api.http.get(url, params=listing, headers=institution.headers))["items"]
    return await post.code(made["id"]), learner.token


def in_topics(post: Letters) -> dict[str, bytes]:
    """Each record with its headers."""
    found = {}
    for n, record in enumerate(post.records):
        headers = dict(record.headers).values()
        found[f"topic {n} {record.topic}"] = b"\n".join([record.key or b"", record.value or b"", *headers])
    return found


async def in_spans(sink: TraceSink) -> dict[str, bytes]:
    """All that was exported; exporters send each half second."""
    deadline = time.monotonic() + 15
    while not any(span.name == "POST webhook" for span in list(sink.spans)):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.2)
    return {"spans": b"\n".join(sink.bodies)}


def in_logs(stack: Stack) -> dict[str, bytes]:
    """What each service printed."""
    logs: dict[str, Path] = {name: service.log for name, service in stack.services.items()}
    assert all(logs[name].stat().st_size for name in ("issuer", "registry", "notifier"))
    return {f"log {name}": log.read_bytes() for name, log in logs.items()}


async def in_webhooks(receiver: Receiver) -> dict[str, bytes]:
    """What the endpoints were sent."""
    found = {}
    for name in ("heard-at-school", "heard-at-platform"):
        for n, delivery in enumerate(await receiver.received(name)):
            found[f"webhook {name} {n}"] = f"{delivery.body}\n{delivery.headers}".encode()
    return found


async def in_databases(stack: Stack) -> dict[str, bytes]:
    """Every row of every service as text, and what lies in it as bytes."""
    found = {}
    for service, urls in stack.deployment.databases.items():
        connection = await asyncpg.connect(urls.owner)
        for (table,) in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
            rows = await connection.fetch(f'SELECT t::text FROM "{table}" t')
            text = "\n".join(row[0] for row in rows)
            raw = [bytes.fromhex(hexed) for hexed in re.findall(r"\\x((?:[0-9a-f]{2})+)", text)]
            found[f"table {service}.{table}"] = b"\n".join([text.encode(), *raw])
        await connection.close()
    return found
