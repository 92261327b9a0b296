"""What others notice of an endpoint behind which 100,000 deliveries wait."""

from typing import Any

import aiohttp
import asyncpg
import orjson

from bench.installation import Installation
from bench.load import post
from bench.scenarios import found, latencies, listen

BACKLOG = 100_000
_FILL = """
WITH made AS (
    INSERT INTO message (id, institution_id, event_id, type, body, created_at)
    SELECT 'msg_' || n, institution_id, gen_random_uuid(), 'credential.revoked', '{}', now()
    FROM endpoint, generate_series(1, $2::int) n WHERE endpoint.id = $1 RETURNING id, institution_id
)
INSERT INTO delivery (institution_id, message_id, endpoint_id) SELECT institution_id, id, $1 FROM made
"""


async def beside_a_backlog(here: Installation, seconds: float) -> dict[str, Any]:
    """Milliseconds from another institution's 201 to its webhook, without the backlog and while it is sent."""
    others = await found(here, "bench-others")
    await listen(others)
    without = await latencies(others, 1, seconds)
    loaded = await found(here, "bench-loaded")
    database = await asyncpg.connect(here.stack.deployment.databases["notifier"].owner)
    async with aiohttp.ClientSession() as session:
        token = await loaded.token(session)
        body = {"url": f"{here.sink}/hook?count", "events": ["credential.revoked"]}
        url = f"{here.url('notifier')}/v1/endpoints"
        made = orjson.loads(await post(session, url, body, token, 201))["id"]
        try:
            await database.execute(_FILL, made, BACKLOG)
            await database.execute("UPDATE endpoint SET due_at = now() WHERE id = $1", made)
            beside = await latencies(others, 1, seconds)
            left = await database.fetchval("SELECT count(*) FROM delivery WHERE state = 'pending'")
        finally:
            await database.close()
        async with session.delete(f"{url}/{made}", headers={"Authorization": f"Bearer {token}"}) as answer:
            assert answer.status == 204, await answer.text()
    names = ("webhook_p50_ms", "webhook_p99_ms")
    return {
        "backlog": BACKLOG,
        "left": left,
        "without": {name: without[name] for name in names},
        "beside": {name: beside[name] for name in names},
    }
