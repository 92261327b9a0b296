"""`laurel issue`: one credential, or one for each row of a CSV file."""

import asyncio
import csv
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from services.cli.client import ApiError, Client, open_client
from services.cli.output import Bar, UserError, complain, progress, say, table

AT_ONCE = 16
COLUMNS = {"email", "did", "name"}
UNUSABLE = 2


@dataclass(frozen=True, slots=True)
class Learner:
    """Who a credential is for: an e-mail address or a DID, and perhaps a name. `line` is where a file says so."""

    email: str | None = None
    did: str | None = None
    name: str | None = None
    line: int | None = field(default=None, compare=False)

    def __str__(self) -> str:
        """For messages: `line 3, ada@example.com`."""
        who = self.email or self.did or "the learner"
        return who if self.line is None else f"line {self.line}, {who}"

    def recipient(self) -> dict[str, str]:
        """As the API takes it."""
        given = {"email": self.email, "did": self.did, "name": self.name}
        return {name: value for name, value in given.items() if value}


@dataclass(frozen=True, slots=True)
class Issued:
    """What became of one learner's credential: an id, or why there is none. `again`: it existed before."""

    learner: Learner
    id: str | None = None
    again: bool = False
    problem: str = ""


def read_csv(path: Path) -> list[Learner]:
    """The learners in a UTF-8 file whose first row names the columns. Raises UserError naming the row."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(_learners(path, csv.DictReader(file, strict=True)))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}", UNUSABLE) from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text", UNUSABLE) from error
    except csv.Error as error:
        raise UserError(f"{path} is not CSV: {error}", UNUSABLE) from error


def _learners(path: Path, rows: "csv.DictReader[str]") -> Iterator[Learner]:
    columns = list(rows.fieldnames or ())
    unknown = [column for column in columns if column not in COLUMNS]
    if unknown or len(set(columns)) < len(columns) or not COLUMNS & set(columns):
        raise UserError(
            f"{path}: the first row must name columns out of email, did and name; it has {columns}", UNUSABLE
        )
    seen: dict[Learner, int] = {}
    for row in rows:
        if None in row or None in row.values():
            raise UserError(f"{path}, line {rows.line_num}: {len(columns)} columns expected", UNUSABLE)
        given = {column: (row[column] or "").strip() or None for column in columns}
        learner = Learner(**given, line=rows.line_num)
        if learner in seen:
            raise UserError(f"{path}, line {rows.line_num}: the same as line {seen[learner]}", UNUSABLE)
        seen[learner] = rows.line_num
        check(learner, f"{path}, line {rows.line_num}")
        yield learner
    if not seen:
        raise UserError(f"{path} has no rows", UNUSABLE)


def check(learner: Learner, where: str) -> None:
    """Raise UserError unless exactly one of e-mail and DID is given."""
    if not learner.email and not learner.did:
        raise UserError(f"{where}: give an email or a did", UNUSABLE)
    if learner.email and learner.did:
        raise UserError(f"{where}: give an email or a did, not both", UNUSABLE)


def idempotency_key(achievement: str, learner: Learner) -> str:
    """The same for the same achievement and learner, so that a repeated run finds what the first one issued."""
    text = "\n".join((achievement, learner.email or "", learner.did or "", learner.name or ""))
    return f"laurel-issue-{hashlib.sha256(text.encode()).hexdigest()[:40]}"


async def run(issuer: str, client_id: str, client_secret: str, achievement: str, learners: Sequence[Learner]) -> int:
    """Issue, print what came of each, and return 0, or 1 when some could not be issued."""
    for learner in learners:
        check(learner, "the learner")
    async with open_client(AT_ONCE) as client:
        signed_in = await client.sign_in(issuer, client_id, client_secret)
        with progress("issuing", len(learners)) as bar:
            issued = await issue_all(signed_in, issuer, achievement, learners, bar)
    good = [one for one in issued if one.id]
    if good:
        rows = [
            (one.learner.email or one.learner.did, one.id, "issued before" if one.again else "issued") for one in good
        ]
        table(("learner", "credential", ""), rows)
    for one in issued:
        if not one.id:
            complain(f"{one.learner}: {one.problem}")
    say(f"{len(good)} of {len(issued)} issued")
    return 0 if len(good) == len(issued) else 1


async def issue_all(
    client: Client, issuer: str, achievement: str, learners: Sequence[Learner], bar: Bar
) -> list[Issued]:
    """Issue to every learner, several at once; the outcomes are in the learners' order."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(learner: Learner) -> Issued:
        async with slots:
            outcome = await _issue(client, issuer, achievement, learner)
        bar.advance()
        return outcome

    return list(await asyncio.gather(*(one(learner) for learner in learners)))


async def _issue(client: Client, issuer: str, achievement: str, learner: Learner) -> Issued:
    body = {"achievement": achievement, "recipient": learner.recipient()}
    try:
        answer = await client.post(f"{issuer}/v1/credentials", body, key=idempotency_key(achievement, learner))
    except ApiError as error:
        return Issued(learner, problem=str(error))
    return Issued(learner, id=answer.body["id"], again=answer.replayed)
