"""`python -m bench.suites [--seconds S]`: issue and verify as a library, ours beside Digital Bazaar's in Node.

Both do the same badge in the same run, one after the other. Times are of the processor, all threads of a process
together, so that they are of one core however busy the others are; figures are medians of five rounds.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

from bench.ending import exit_on_signals
from bench.machine import describe
from services.verifier.domain.did_document import did_key
from shared.credentials import Algorithm, Cryptosuite, private_key, sign, verify_proof
from shared.credentials.keys import is_signature, make_signature, private_bytes
from tests.fixtures.node_peer import NodePeer
from tests.interop.issuers import CREATED, NOW, Issuer
from tests.unit.credentials.badges import badge

ROUNDS = 5
SUITES: dict[Cryptosuite, Algorithm] = {
    "eddsa-rdfc-2022": "Ed25519",
    "eddsa-jcs-2022": "Ed25519",
    "ecdsa-rdfc-2019": "P-256",
    "ecdsa-jcs-2019": "P-256",
}
What = Literal["sign", "verify"]
NAMES: dict[What, str] = {"sign": "issue", "verify": "verify"}
Row = dict[str, float]
Figures = dict[tuple[Cryptosuite, What], Row]
Column = tuple[str, Callable[[Row], str]]  # its heading, and what stands below it
COLUMNS: Sequence[Column] = (
    ("ours/s", lambda row: f"{row['ours']:,.0f}"),
    ("Node/s", lambda row: f"{row['node']:,.0f}"),
    ("ratio", lambda row: f"{row['ours'] / row['node']:.1f}"),
    ("key/s, ours", lambda row: f"{row['raw']:,.0f}"),
    ("of it", lambda row: f"{row['ours'] / row['raw']:.0%}"),
    ("Node's", lambda row: f"{row['node_raw']:,.0f}"),
    ("of it", lambda row: f"{row['node'] / row['node_raw']:.0%}"),
    ("first ms, ours", lambda row: f"{row['ours_first_ms']:.1f}"),
    ("Node's", lambda row: f"{row['node_first_ms']:.1f}"),
)
console = Console(width=140)
_SKILL = "https://data.europa.eu/esco/skill"
_ALIGNMENTS = [
    {"type": ["Alignment"], "targetUrl": f"{_SKILL}/{number}", "targetName": name, "targetFramework": "ESCO"}
    for number, name in enumerate(("writes programs", "tests programs", "explains programs"), 1)
]


def document_of(issuer: str) -> dict[str, Any]:
    """An unsigned badge of an ordinary size: evidence, results, and what it is aligned with."""
    document = badge(
        alignment=_ALIGNMENTS,
        tag=["programming", "Python", "testing"],
        humanCode="PY-101",
        fieldOfStudy="Computer science",
        creditsAvailable=2.5,
        description="Reads, writes and tests small programs, alone and with others, and explains to a reader why each "
        "of its parts is there. Twelve weeks of lectures and practice with an examination at the end of them.",
    )
    document["issuer"]["id"] = issuer
    document["evidence"] = [
        {
            "id": "https://portfolio.example/learners/7/projects/weather-station",
            "type": ["Evidence"],
            "name": "Weather station",
            "description": "A program of the learner's own that reads two sensors and draws what they measured.",
        }
    ]
    document["credentialSubject"]["activityStartDate"] = "2026-01-07T08:00:00Z"
    document["credentialSubject"]["activityEndDate"] = "2026-02-25T16:00:00Z"
    document["credentialSubject"]["result"] = [{"type": ["Result"], "value": "82", "status": "Completed"}]
    return document


def work(what: What, suite: Cryptosuite, issuer: Issuer, document: dict[str, Any]) -> Callable[[], object]:
    """What we do once for each credential; `document` is signed where it is to be verified."""
    keys, method = did_key(issuer.did), issuer.method  # an issuer's own name is not made anew for each credential
    if what == "sign":
        return lambda: sign(document, key=issuer.key, verification_method=method, cryptosuite=suite, created=CREATED)
    return lambda: verify_proof(document, keys)


def raw(what: What, issuer: Issuer) -> Callable[[], object]:
    """The key alone, over 64 bytes of hashes."""
    key, data = issuer.key, bytes(64)
    signature, public = make_signature(key, data), issuer.key.public_key()
    return (lambda: make_signature(key, data)) if what == "sign" else (lambda: is_signature(public, signature, data))


def per_second(call: Callable[[], object], seconds: float) -> float:
    """How often `call` runs in a second of processor time."""
    done, started = 0, time.process_time()
    while (elapsed := time.process_time() - started) < seconds:
        for _ in range(20):
            call()
        done += 20
    return done / elapsed


def measure(peer: NodePeer, what: What, suite: Cryptosuite, seconds: float) -> Row:
    """One row of the table: calls a second, and the milliseconds of the first call in a fresh process."""
    issuer = Issuer.new(SUITES[suite])
    document = document_of(issuer.did)
    if what == "verify":
        document = issuer.sign(document, suite)
    request = {"what": what, "suite": suite, "document": document, "key": issuer.jwk, "now": NOW, "created": NOW}
    rounds: list[Row] = []
    peer.ask("rate", seconds=seconds, **request)  # Node compiles what it has done often
    for _ in range(ROUNDS):
        rounds.append(
            {
                "ours": per_second(work(what, suite, issuer, document), seconds),
                "node": peer.ask("rate", seconds=seconds, **request)["perSecond"],
                "raw": per_second(raw(what, issuer), seconds / 5),
                "node_raw": peer.ask("rate", seconds=seconds / 5, what=f"raw-{what}", key=issuer.jwk)["perSecond"],
                "ours_first_ms": first_of_ours(what, suite, issuer, document),
                "node_first_ms": first_of_node(request),
            }
        )
    return {name: median(each[name] for each in rounds) for name in rounds[0]}


def first_of_ours(what: What, suite: Cryptosuite, issuer: Issuer, document: dict[str, Any]) -> float:
    """Milliseconds of the first call in a process of its own, its imports done."""
    request = {
        "what": what,
        "suite": suite,
        "algorithm": SUITES[suite],
        "secret": private_bytes(issuer.key).hex(),
        "document": document,
    }
    command = [sys.executable, "-m", "bench.suites", "--first"]
    done = subprocess.run(command, input=json.dumps(request), capture_output=True, text=True, check=True)
    return float(done.stdout)


def answer_first() -> None:
    """The other end of `first_of_ours`."""
    request = json.loads(sys.stdin.read())
    issuer = Issuer(private_key(request["algorithm"], bytes.fromhex(request["secret"])))
    call = work(request["what"], request["suite"], issuer, request["document"])
    started = time.process_time()
    call()
    print((time.process_time() - started) * 1000)


def first_of_node(request: dict[str, Any]) -> float:
    """The same of Node."""
    peer = NodePeer()
    try:
        return float(peer.ask("first", **request)["milliseconds"])
    finally:
        peer.stop()


def each_row() -> Iterator[tuple[Cryptosuite, What]]:
    """Every suite, issuing and verifying; tells whose turn it is."""
    for suite in SUITES:
        for what in NAMES:
            console.print(f"{suite}, {NAMES[what]} …")
            yield suite, what


def table_of(title: str, columns: Sequence[Column], figures: Figures) -> Table:
    """A row for each suite, issuing and verifying, with these columns beside its name."""
    table = Table("suite", "", *(heading for heading, _ in columns), title=title)
    for (suite, what), row in figures.items():
        name = f"{suite} {SUITES[suite]}".removesuffix(" Ed25519")
        table.add_row(name, NAMES[what], *(text(row) for _, text in columns))
    return table


def show(figures: Figures, node: str) -> None:
    """The table."""
    machine, issuer = describe(), Issuer.new("Ed25519")
    signed = issuer.sign(document_of(issuer.did), "eddsa-rdfc-2022")
    size = len(json.dumps(signed, separators=(",", ":")))
    console.print(f"{machine['processor']}, one core; Python {machine['python']}, Node {node}; {size:,} bytes signed")
    title = "As a library, a second of one core: warm, and the first call of a fresh process with its imports done"
    console.print(table_of(title, COLUMNS, figures))


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="bench.suites", description="Issue and verify as a library, beside Node.")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long each round is measured")
    parser.add_argument("--first", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.first:
        answer_first()
        return
    exit_on_signals()
    peer = NodePeer()
    try:
        figures = {(suite, what): measure(peer, what, suite, arguments.seconds) for suite, what in each_row()}
        show(figures, peer.ask("suites")["node"])
    finally:
        peer.stop()


if __name__ == "__main__":
    main()
