"""`python -m bench.suites_http [--seconds S]`: issue and verify over HTTP, ours beside Digital Bazaar's in Node.

Both are sent the same document in the same run, in turns, over as many connections, which stay open. Rates are of one
core: requests by the processor time that the serving process used, all its threads. Figures are medians of five rounds,
the ratio one of each round, for how much a core does in a second changes with what the machine's others do.
"""

import argparse
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import aiohttp
import orjson

from bench.ending import run
from bench.installation import Installation, installed, processor_seconds_of, replica
from bench.load import post, repeat
from bench.machine import describe
from bench.scenarios import Tenant, drained, found
from bench.suites import (
    ROUNDS,
    SUITES,
    Column,
    Figures,
    Row,
    What,
    console,
    document_of,
    each_row,
    per_second,
    raw,
    table_of,
)
from shared.credentials import Cryptosuite
from tests.fixtures.node_peer import NodePeer
from tests.interop.issuers import Issuer

CLIENTS = 8
SERVICES: dict[What, str] = {"sign": "issuer", "verify": "verifier"}
PATHS: dict[What, str] = {"sign": "/credentials/issue", "verify": "/credentials/verify"}
STATUS: dict[What, int] = {"sign": 201, "verify": 200}
COLUMNS: Sequence[Column] = (
    ("ours/s", lambda row: f"{row['ours']:,.0f}"),
    ("with Postgres", lambda row: f"{row['ours_all']:,.0f}"),
    ("Node/s", lambda row: f"{row['node']:,.0f}"),
    ("ratio", lambda row: f"{row['ratio']:.1f}"),
    ("with Postgres", lambda row: f"{row['ratio_all']:.1f}"),
    ("key/s", lambda row: f"{row['raw']:,.0f}"),
    ("of it", lambda row: f"{row['ours'] / row['raw']:.0%}"),
    ("first ms, ours", lambda row: f"{row['ours_first_ms']:.1f}"),
    ("Node's", lambda row: f"{row['node_first_ms']:.1f}"),
)
Process = tuple[str, int]  # its base URL and its number
Issuers = dict[Cryptosuite, Issuer]


@dataclass(frozen=True)
class Side:
    """A server, what is sent to it, and the processor seconds that its parts have used so far."""

    url: str
    body: bytes
    token: str
    used: Callable[[], dict[str, float]]

    async def ask(self, session: aiohttp.ClientSession, what: What) -> bytes:
        """One request. Raises RuntimeError for any answer but the good one."""
        return await post(session, f"{self.url}{PATHS[what]}", self.body, self.token, STATUS[what])


def unsigned(issuer: str, suite: Cryptosuite) -> dict[str, Any]:
    """A request to issue. Without a status: theirs would not look at one, ours would have to ask for the list."""
    document = document_of(issuer)
    del document["credentialStatus"]
    return {"credential": document, "options": {"cryptosuite": suite}}


async def per_core(side: Side, what: What, seconds: float) -> dict[str, float]:
    """Requests in a second of one core's time, by the part that used it; load for so long."""
    asked = 0

    async def ask(session: aiohttp.ClientSession, _number: int) -> None:
        nonlocal asked
        await side.ask(session, what)
        asked += 1

    before = side.used()
    await repeat(CLIENTS, seconds, ask)
    return rates(asked, before, side.used())


def rates(asked: int, before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """Requests a processor second: of the server alone, and of all parts together."""
    spent = {name: after[name] - before[name] for name in after}
    return {"alone": asked / spent["server"], "all": asked / sum(spent.values())}


async def first(side: Side, what: What, fresh: AbstractAsyncContextManager[Process]) -> float:
    """Milliseconds of processor that the first request to a fresh process takes."""
    async with fresh as (url, pid), aiohttp.ClientSession() as session:
        before = processor_seconds_of(pid)
        await replace(side, url=url).ask(session, what)
        return (processor_seconds_of(pid) - before) * 1000


@asynccontextmanager
async def node(issuers: Issuers) -> AsyncIterator[Process]:
    """Their server, with a key for each suite."""
    peer = NodePeer()
    try:
        served = peer.ask("serve", keys={suite: issuer.jwk for suite, issuer in issuers.items()})
        yield f"http://127.0.0.1:{served['port']}", served["pid"]
    finally:
        peer.stop()


async def own_dids(tenant: Tenant) -> dict[str, str]:
    """The did:key of an institution's key, by algorithm; the one for P-256 is made."""
    url = f"{tenant.here.url('issuer')}/v1/keys"
    async with aiohttp.ClientSession() as session:
        token = await tenant.token(session)
        await post(session, url, {"algorithm": "P-256"}, token, 201)
        async with session.get(url, headers={"Authorization": f"Bearer {token}"}) as answer:
            return {key["algorithm"]: key["did_key"] for key in (await answer.json())["items"]}


async def sides(
    tenant: Tenant, did: str, issuer: Issuer, theirs: Process, suite: Cryptosuite, what: What
) -> tuple[Side, Side]:
    """Ours and theirs for one row. What is to be verified was issued by ours, and is the same for both."""
    here, (node_url, pid) = tenant.here, theirs
    async with aiohttp.ClientSession() as session:
        token = await tenant.token(session)
        order, their_order = (orjson.dumps(unsigned(each, suite)) for each in (did, issuer.did))
        signed = await post(session, f"{here.url('issuer')}{PATHS['sign']}", order, token, 201)

    def used() -> dict[str, float]:
        parts = here.processor_seconds()
        return {"server": parts[SERVICES[what]], "postgres": parts["postgres"]}

    ours = Side(here.url(SERVICES[what]), order if what == "sign" else signed, token, used)
    body = their_order if what == "sign" else signed
    return ours, Side(node_url, body, "", lambda: {"server": processor_seconds_of(pid)})


async def measure(
    pair: tuple[Side, Side], here: Installation, issuers: Issuers, suite: Cryptosuite, what: What, seconds: float
) -> Row:
    """One row of the table."""
    ours, theirs = pair
    rounds: list[Row] = []
    for side in pair:
        await per_core(side, what, seconds)  # Node compiles what it has done often
    for _ in range(ROUNDS):
        own, other = await per_core(ours, what, seconds), await per_core(theirs, what, seconds)
        rounds.append(
            {
                "ours": own["alone"],
                "ours_all": own["all"],
                "node": other["alone"],
                "ratio": own["alone"] / other["alone"],
                "ratio_all": own["all"] / other["alone"],
                "raw": per_second(raw(what, issuers[suite]), seconds / 5),
                "ours_first_ms": await first(ours, what, replica(here, SERVICES[what])),
                "node_first_ms": await first(theirs, what, node(issuers)),
            }
        )
    return {name: median(each[name] for each in rounds) for name in rounds[0]}


def show(figures: Figures) -> None:
    """The table."""
    machine = describe()
    console.print(f"{machine['processor']}, one core; Python {machine['python']}; {CLIENTS} connections")
    title = "Over HTTP, a second of one core: warm, and the first request to a fresh process"
    console.print(table_of(title, COLUMNS, figures))
    console.print("Ours authorises whoever issues, and commits what it issues to Postgres; theirs does neither.")


async def compare(seconds: float) -> None:
    """Every suite, issuing and verifying."""
    issuers = {suite: Issuer.new(algorithm) for suite, algorithm in SUITES.items()}
    figures: Figures = {}
    async with installed() as here, node(issuers) as theirs:
        tenant = await found(here, "bench")
        dids = await own_dids(tenant)
        await drained(here)  # the verifier has to hear of the keys
        for suite, what in each_row():
            pair = await sides(tenant, dids[SUITES[suite]], issuers[suite], theirs, suite, what)
            figures[suite, what] = await measure(pair, here, issuers, suite, what, seconds)
    show(figures)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="bench.suites_http", description="Issue and verify over HTTP, beside Node.")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each round is measured")
    run(compare(parser.parse_args().seconds))


if __name__ == "__main__":
    main()
