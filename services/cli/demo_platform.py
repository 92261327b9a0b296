"""`python -m services.cli.demo_platform`: a platform where people show their skills, as a third party would write it.

It knows nothing of Laurel but the Standard Webhooks specification: it checks each delivery's signature with the secret
the institution gave it, drops what it had before by `webhook-id`, and counts. It prints the port it listens on and
ends with its standard input.
"""

import asyncio
import base64
import hashlib
import hmac
import sys
import time
from collections import Counter

import orjson
from aiohttp import web

TOLERANCE_SECONDS = 300


class Platform:
    """What was received so far, for each institution's page on the platform."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.seen: set[str] = set()
        self.received: Counter[str] = Counter()
        self.credentials: dict[str, set[str]] = {}
        self.refused: list[str] = []

    async def subscribe(self, request: web.Request) -> web.Response:
        """POST /subscriptions {"page", "secret"}: an institution hands over its endpoint's secret."""
        body = orjson.loads(await request.read())
        self.secrets[body["page"]] = body["secret"]
        return web.Response(status=204)

    async def receive(self, request: web.Request) -> web.Response:
        """POST /webhooks/{page}: one delivery."""
        raw = await request.read()
        page = request.match_info["page"]
        refusal = refuse(self.secrets.get(page), dict(request.headers.items()), raw, int(time.time()))
        if refusal:
            self.refused.append(f"{page}: {refusal}")
            return web.Response(status=401, text=refusal)
        message = request.headers["webhook-id"]
        if message not in self.seen:
            self.seen.add(message)
            event = orjson.loads(raw)
            self.received[event["type"]] += 1
            for value in (event["data"].get("credential_id"), event["data"].get("id")):
                if value:
                    self.credentials.setdefault(event["type"], set()).add(value)
        return web.Response(status=204)

    async def report(self, _: web.Request) -> web.Response:
        """GET /report: distinct deliveries by event type, the credentials they were about, and what was refused."""
        credentials = {event: sorted(ids) for event, ids in self.credentials.items()}
        body = {"received": self.received, "credentials": credentials, "refused": self.refused}
        return web.Response(body=orjson.dumps(body), content_type="application/json")


def refuse(secret: str | None, headers: dict[str, str], raw: bytes, now: int) -> str | None:
    """Why a delivery is not what its sender signed, or None (Standard Webhooks: verifying signatures)."""
    given = {name.lower(): value for name, value in headers.items()}
    message, timestamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if secret is None:
        return "nobody subscribed this page"
    if not message or not timestamp.isdigit() or abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        return "no id, or a timestamp more than five minutes off"
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = hmac.digest(key, b".".join((message.encode(), timestamp.encode(), raw)), hashlib.sha256)
    for signature in given.get("webhook-signature", "").split():
        version, _, encoded = signature.partition(",")
        if version == "v1" and hmac.compare_digest(base64.b64encode(expected), encoded.encode()):
            return None
    return "the signature does not match"


def application(platform: Platform) -> web.Application:
    """The platform's routes."""
    app = web.Application()
    app.router.add_post("/subscriptions", platform.subscribe)
    app.router.add_post("/webhooks/{page}", platform.receive)
    app.router.add_get("/report", platform.report)
    return app


async def main() -> None:
    """Serve on a free port until the standard input ends."""
    runner = web.AppRunner(application(Platform()), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
