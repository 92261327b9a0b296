"""The receiver of the bench: answers 200 and notes when each message came. `python -m bench.sink PORT`."""

import sys
import time

import orjson
from aiohttp import web

ARRIVED: dict[str, float] = {}
REQUESTS = 0


async def receive(request: web.Request) -> web.Response:
    """Note the first arrival for the credential the message is about."""
    global REQUESTS
    body = await request.read()
    REQUESTS += 1
    if request.query_string != "count":
        message = orjson.loads(body)
        ARRIVED.setdefault(f"{message['type']} {message['data']['credential_id']}", time.time())
    return web.Response()


async def arrived(request: web.Request) -> web.Response:
    """When the first message about a subject came, or null."""
    return web.json_response(ARRIVED.get(request.query["subject"]))


async def count(_request: web.Request) -> web.Response:
    """How many requests came so far."""
    return web.json_response(REQUESTS)


if __name__ == "__main__":
    app = web.Application()
    app.router.add_post("/hook", receive)
    app.router.add_get("/arrived", arrived)
    app.router.add_get("/count", count)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
