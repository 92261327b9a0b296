"""What four services offer to a client, read from their OpenAPI documents, and what their databases hold.

A route that is added later is found here by itself; so the tests of bad input reach it without being told.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self
from uuid import uuid4

import asyncpg
import httpx

from services.cli.deployment import DatabaseUrls
from tests.fixtures.api import Api, Institution, expect
from tests.fixtures.stack import Stack

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
WRITES = ("post", "put", "patch", "delete")
PROBLEM = "application/problem+json"
# Written in the background, or by the answer to another request: told apart from what a request of the test does.
_RESTLESS = "^(lease|jwks_cache|outbox|inbox.*|attempt|count_change|achievement_count|claim.*|letter_attempt)$"
# Words that speak of Python to people who never saw any.
_PYDANTIC = re.compile(
    "Input should|Extra inputs|Field required|(String|List|Dictionary|Data|Value) should|valid dictionary"
)
# Rows that are changed in the background; that there are as many as before can be said of them all the same.
_CHANGING = {"client_secret", "delivery", "endpoint", "status_list", "endpoint_secret", "letter"}


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path. `operator` routes are for the operator's token alone."""

    service: str
    method: str
    path: str
    operation: Mapping[str, Any]
    schemas: Mapping[str, Any]
    operator: bool = False

    @property
    def name(self) -> str:
        """For the messages of failures."""
        return f"{self.method.upper()} {self.service}{self.path}"

    @property
    def secured(self) -> bool:
        """Whether it asks for a token."""
        return bool(self.operation.get("security"))

    @property
    def learners(self) -> bool:
        """Whether it asks for a learner's token, which takes a letter to get: test_learner_attacks.py tries these."""
        return any("learner" in scheme for scheme in self.operation.get("security", ()))

    @property
    def platforms(self) -> bool:
        """Whether it is for platforms' tokens, whose scope no institution has."""
        return "platform shares" in self.operation.get("tags", ())

    @property
    def media_types(self) -> list[str]:
        """What it reads."""
        return list((self.operation.get("requestBody") or {}).get("content", {JSON: None}))

    @property
    def media_type(self) -> str:
        """The first of them."""
        return self.media_types[0]

    @property
    def needs_body(self) -> bool:
        """Whether nothing is no body for it."""
        return bool((self.operation.get("requestBody") or {}).get("required"))

    @property
    def schema_name(self) -> str | None:
        """The component that its JSON body follows."""
        content = (self.operation.get("requestBody") or {}).get("content", {}).get(JSON)
        if content is None:
            return None
        schema = content["schema"]
        refs = [each["$ref"] for each in [schema, *schema.get("anyOf", [])] if "$ref" in each]
        return str(refs[0].rpartition("/")[2])

    @property
    def schema(self) -> Mapping[str, Any]:
        """That component; empty without a body."""
        return dict(self.schemas[self.schema_name]) if self.schema_name else {}

    @property
    def smallest(self) -> bytes:
        """What it can read at all, so that it comes to look at the token."""
        return b"{}" if self.method in WRITES else b""

    def parameters(self, where: str) -> dict[str, Mapping[str, Any]]:
        """The parameters in `path`, `query` or `header`, with their schemas."""
        return {p["name"]: p["schema"] for p in self.operation.get("parameters", []) if p["in"] == where}

    def filled(self, **values: object) -> str:
        """The path with ids: those given, and for the others well-formed ones that nothing has."""
        path = self.path
        for name, schema in self.parameters("path").items():
            path = path.replace(f"{{{name}}}", str(values.get(name, _fresh(schema))))
        return path


_found: dict[tuple[str, ...], tuple[float, "Surface"]] = {}  # by the services' addresses, and since when
_at_rest: dict[str, dict[str, tuple[int, int]]] = {}  # by the issuer's database: what all held when nothing moved
_KEPT_SECONDS = 300  # a token is good for longer


def _fresh(schema: Mapping[str, Any]) -> str:
    if schema.get("type") == "integer":
        return "987654"
    return "msg_" + "a" * 26 if schema.get("pattern", "").startswith("^msg_") else str(uuid4())


@dataclass(frozen=True, slots=True)
class Surface:
    """Every route, and a client that may use all of them."""

    api: Api
    routes: tuple[Route, ...]
    tenant: Institution
    platform: Institution

    @classmethod
    async def of(cls, api: Api) -> Self:
        """Read the documents, and find out which routes are the operator's; later tests get the same tenant."""
        place = tuple(api.urls.values())
        since, known = _found.get(place, (0.0, None))
        if known is None or time.monotonic() - since > _KEPT_SECONDS:
            tenant, platform = await api.institution(), await api.platform()
            known = cls(api, await _routes(api, tenant, platform), tenant, platform)
            assert len(known.routes) > 40, "the documents are not read"
            _found[place] = time.monotonic(), known
        return cls(api, known.routes, known.tenant, known.platform)

    @property
    def writing(self) -> list[Route]:
        """The routes that change something and take JSON; the token endpoint takes a form."""
        return [route for route in self.routes if route.method in WRITES and route.media_type == JSON]

    def headers(self, route: Route) -> dict[str, str]:
        """A token that may use the route, and the version that an update is based on."""
        tenant = self.platform if route.platforms else self.tenant
        token = self.api.operator if route.operator else tenant.headers
        version = {"If-Match": '"1"'} if "If-Match" in route.parameters("header") else {}
        return {**(token if route.secured else {}), **version}

    async def send(
        self, route: Route, content: bytes, *, path: str | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """One request; `content` goes as it is, as what the route reads unless the headers say otherwise."""
        own = self.headers(route) if headers is None else headers
        kind = {"content-type": route.media_type} if content else {}
        return await self.api.http.request(
            route.method.upper(),
            self.api.urls[route.service] + (path or route.filled()),
            content=content,
            headers={**kind, **own},
        )

    async def faults(
        self, routes: Iterable[Route], content: bytes, status: int, code: str | None, **headers: str
    ) -> list[str]:
        """Send the same to each route: what was answered otherwise than by that problem."""
        chosen = list(routes)
        assert chosen
        answers = await asyncio.gather(
            *(self.send(route, content, headers={**self.headers(route), **headers}) for route in chosen)
        )
        found = [fault(a, {status}, {code} if code else None) for a in answers]
        return [f"{route.name}: {problem}" for route, problem in zip(chosen, found, strict=True) if problem]


async def _routes(api: Api, tenant: Institution, platform: Institution) -> tuple[Route, ...]:
    routes = tuple([route async for route in _documented(api) if not route.learners])
    asking = Surface(api, routes, tenant, platform)
    powerless = await _powerless(api, tenant)
    asked = (asking.send(route, route.smallest, headers=powerless) for route in asking.routes)
    answers = zip(asking.routes, await asyncio.gather(*asked), strict=True)
    return tuple(replace(route, operator=_is_operators(answer)) for route, answer in answers)


async def _powerless(api: Api, tenant: Institution) -> dict[str, str]:
    """A token of the institution that may change nothing: of a refusal it tells whether another could."""
    body = {"name": "reader", "scopes": ["endpoints:read"]}
    made = await api.http.post(f"{api.urls['issuer']}/v1/clients", json=body, headers=tenant.headers)
    client = expect(201, made)
    return {"Authorization": f"Bearer {await api.token(client['client_id'], client['client_secret'])}"}


async def _documented(api: Api) -> AsyncIterator[Route]:
    for service, url in api.urls.items():
        document = (await api.http.get(f"{url}/openapi.json")).json()
        schemas = document.get("components", {}).get("schemas", {})
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if not _never_ends(operation):
                    yield Route(service, method, path, operation, schemas)


def _never_ends(operation: Mapping[str, Any]) -> bool:
    """Server-sent events have tests of their own: test_notifier_pull.py."""
    return "text/event-stream" in operation["responses"].get("200", {}).get("content", {})


def _is_operators(answer: httpx.Response) -> bool:
    return answer.status_code == 403 and answer.json()["code"] == "operator-only"


def fault(answer: httpx.Response, statuses: set[int], codes: set[str] | None = None) -> str | None:
    """What is wrong with a problem document, or None."""
    shown = f"{answer.status_code} {answer.text[:300]}"
    if 422 in statuses and _is_vc_api(answer.request):
        statuses = {*statuses, 400}  # the specification knows no 422
    if answer.status_code not in statuses or answer.headers.get("content-type") != PROBLEM:
        return shown
    body = answer.json()
    right = (
        body["status"] == answer.status_code
        and body["type"].endswith(f"/problems/{body['code']}")
        and body["title"]
        and (body.get("instance") or body["code"] == "bad-request")
        and (codes is None or body["code"] in codes)
        and len(answer.content) < 20_000
        and (body.get("detail") or not body.get("errors"))
        and _PYDANTIC.search(answer.text) is None
    )
    return None if right else shown


def _is_vc_api(request: httpx.Request) -> bool:
    doors = ("/credentials/", "/presentations/", "/challenges", "/proof-only/")
    return request.method == "POST" and request.url.path.startswith(doors)


def errors(answer: httpx.Response) -> set[tuple[str | None, str]]:
    """Pointer (or parameter) and code of each bad field."""
    listed = answer.json().get("errors", [])
    return {(each.get("pointer") or each.get("parameter"), each["code"]) for each in listed}


async def holdings(stack: Stack) -> dict[str, tuple[int, int]]:
    """Of each table of each service how many rows it has and a hash of them; `event_history` is what was published."""
    databases = stack.deployment.databases
    held = {}
    for service, rows in zip(databases, await asyncio.gather(*map(_held, databases.values())), strict=True):
        held.update({f"{service}.{table}": (count, hashed) for table, count, hashed in rows})
    assert {"issuer.event_history", "issuer.idempotency", "notifier.endpoint", "registry.record"} <= held.keys()
    return held


async def _held(urls: DatabaseUrls) -> list[tuple[str, int, int]]:
    connection = await asyncpg.connect(urls.owner)
    try:
        tables = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename !~ $1 ORDER BY 1", _RESTLESS
        )
        counted = []
        for (table,) in tables:
            hashed = "0" if table in _CHANGING else "coalesce(sum(hashtext(t::text)), 0)"
            counted.append(f"SELECT '{table}', count(*), {hashed} FROM \"{table}\" t")
        return [(str(name), int(n), int(h)) for name, n, h in await connection.fetch(" UNION ALL ".join(counted))]
    finally:
        await connection.close()


async def _under_way(stack: Stack) -> int:
    """How many events are not yet sent, or not yet consumed by all who listen, or still to come of one that was."""
    databases, bus = stack.deployment.databases, stack.deployment.bus_database_url
    assert bus is not None, "these tests run on the embedded bus"
    outboxes = [(urls.owner, "SELECT count(*) FROM outbox") for urls in databases.values()]
    offers = (databases["registry"].owner, "SELECT count(*) FROM claim_request")
    # One after the other, in the order that an event takes: so none slips past.
    return sum([await _number(*place) for place in (*outboxes, (bus, _LAG), offers, *outboxes, (bus, _LAG))])


_LAG = """
SELECT coalesce(sum(p.next_offset - coalesce(o.next_offset, p.first_offset)), 0)::bigint
FROM bus_offset o JOIN bus_partition p USING (topic, partition) WHERE o."group" IN ('registry', 'verifier', 'notifier')
"""


async def _number(url: str, query: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval(query))
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def unchanged(stack: Stack) -> AsyncIterator[None]:
    """Insist that nothing is written and nothing published; first wait until earlier events have had their effects."""
    place = stack.deployment.databases["issuer"].owner
    deadline, before = time.monotonic() + 20, await holdings(stack)
    # What is under way is looked for in one place after the other: only what is the same afterwards was at rest.
    while before != _at_rest.get(place) or await _under_way(stack) or before != await holdings(stack):
        assert time.monotonic() < deadline, f"the services do not come to rest: {await _under_way(stack)} under way"
        _at_rest[place] = before
        await asyncio.sleep(0.3)
        before = await holdings(stack)
    yield
    after = await holdings(stack)
    changed = {name: (before.get(name), held) for name, held in after.items() if before.get(name) != held}
    assert not changed, f"written to: {changed}"
