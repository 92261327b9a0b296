"""Cursors that cannot be forged, limits, ETags, and rates."""

import base64
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Response

from shared.http.app import router
from shared.http.auth import Principal, identify
from shared.http.etags import IfMatch, IfNoneMatch, check_version, etag, not_modified
from shared.http.paging import Asked
from shared.http.rates import RateLimiter
from tests.unit.http.conftest import PUBLIC_URL, Tokens, client_of

ROWS = list(range(1, 121))
lists = router("lists", "/v1")
Who = Annotated[Principal | None, Depends(identify)]


@lists.get("/numbers")
@lists.get("/others")
async def numbers(_: Who, asked: Asked, odd: bool = False) -> Any:
    after = asked.after(int) or 0
    rows = [row for row in ROWS if row > after and (row % 2 or not odd)]
    return asked.page(rows[: asked.rows], place=lambda row: [str(row)], item=lambda row: {"n": row})


@lists.put("/version")
async def change(if_match: IfMatch = None) -> dict[str, int]:
    check_version(if_match, 7)
    return {"version": 8}


@lists.get("/version")
async def read(if_none_match: IfNoneMatch = None) -> Response:
    status = 304 if not_modified(if_none_match, etag(7)) else 200
    return Response(status_code=status, headers={"ETag": etag(7)})


@pytest.fixture
async def client(make_app: Callable[..., FastAPI]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the lists."""
    async with client_of(make_app(routers=[lists])) as made:
        yield made


async def test_every_item_is_listed_once(client: httpx.AsyncClient) -> None:
    seen: list[int] = []
    url: str | None = "/v1/numbers?limit=50&odd=true"
    while url is not None:
        answer = await client.get(url)
        body = answer.json()
        seen += [item["n"] for item in body["items"]]
        link = answer.headers.get("link")
        assert (link is None) == (body["next"] is None)
        url = None
        if link is not None:
            assert link.startswith(f"<{PUBLIC_URL}/v1/numbers?"), "the configured address, whatever Host says"
            assert link.endswith('>; rel="next"')
            url = link[1 + len(PUBLIC_URL) : link.index(">")]
    assert seen == [row for row in ROWS if row % 2]


async def test_a_cursor_is_good_for_its_list_its_filters_and_its_reader(
    client: httpx.AsyncClient, token: Tokens
) -> None:
    headers = {"Authorization": f"Bearer {token()}"}
    cursor = (await client.get("/v1/numbers?odd=true", headers=headers)).json()["next"]
    good = await client.get(f"/v1/numbers?odd=true&limit=3&cursor={cursor}", headers=headers)
    assert [item["n"] for item in good.json()["items"]] == [101, 103, 105]
    token.institution = type(token.institution)(int=1)
    foreign = {"Authorization": f"Bearer {token()}"}
    payload = base64.urlsafe_b64encode(b"\x00" * 8 + b'["0"]').rstrip(b"=").decode()
    for url, who in [
        (f"/v1/others?odd=true&cursor={cursor}", headers),
        (f"/v1/numbers?cursor={cursor}", headers),
        (f"/v1/numbers?odd=true&cursor={cursor}", foreign),
        (f"/v1/numbers?odd=true&cursor={cursor}", {}),
        (f"/v1/numbers?odd=true&cursor={cursor[:-2]}", headers),
        (f"/v1/numbers?odd=true&cursor={cursor}=", headers),
        (f"/v1/numbers?odd=true&cursor={payload}", headers),
        ("/v1/numbers?cursor=", headers),
        ("/v1/numbers?cursor=%ff%fe", headers),
        ("/v1/numbers?cursor=!", headers),
    ]:
        answer = await client.get(url, headers=who)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid-cursor"), url


@pytest.mark.parametrize("limit", ["0", "-1", "201", "abc", "", "1e2", "9" * 400])
async def test_a_limit_out_of_range_is_refused(client: httpx.AsyncClient, limit: str) -> None:
    answer = await client.get(f"/v1/numbers?limit={limit}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-limit")
    assert answer.json()["errors"][0]["parameter"] == "limit"


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        (None, 428, "precondition-required"),
        ('"6"', 412, "stale"),
        ("7", 412, "stale"),
        ('W/"7"', 412, "stale"),
        ("*", 412, "stale"),
        ('"7", "8"', 412, "stale"),
        ('"' + "9" * 400 + '"', 412, "stale"),
    ],
)
async def test_an_update_of_another_version_is_refused(
    client: httpx.AsyncClient, header: str | None, status: int, code: str
) -> None:
    answer = await client.put("/v1/version", headers={} if header is None else {"If-Match": header})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_an_update_of_the_current_version_is_done(client: httpx.AsyncClient) -> None:
    assert (await client.put("/v1/version", headers={"If-Match": '"7"'})).json() == {"version": 8}


@pytest.mark.parametrize(
    ("header", "status"), [(None, 200), ('"7"', 304), ('W/"7"', 304), ('"6", "7"', 304), ("*", 304), ('"6"', 200)]
)
async def test_what_a_reader_has_is_not_sent_again(client: httpx.AsyncClient, header: str | None, status: int) -> None:
    answer = await client.get("/v1/version", headers={} if header is None else {"If-None-Match": header})
    assert answer.status_code == status


def test_a_client_may_burst_and_then_keeps_its_rate() -> None:
    now = 0.0
    limiter = RateLimiter(10, burst=5, clock=lambda: now)
    assert [limiter.take("a")[0] for _ in range(7)] == [True] * 5 + [False] * 2
    allowed, left, wait = limiter.take("a")
    assert (allowed, left, round(wait, 6)) == (False, 0, 0.1)
    assert limiter.take("b")[0], "another client has a rate of its own"
    now = 0.1
    assert [limiter.take("a")[0] for _ in range(2)] == [True, False]
    now = 100.0
    assert [limiter.take("a")[0] for _ in range(6)] == [True] * 5 + [False], "rest is not saved up beyond the burst"


def test_the_limiter_forgets_the_longest_silent_client() -> None:
    limiter = RateLimiter(1, burst=1, clock=lambda: 0.0)
    for number in range(10_001):
        limiter.take(str(number))
    assert limiter.take("0")[0]
    assert not limiter.take("10000")[0]
