"""Who hears of what, decided by the database while it fans out: filters, achievements, and how much they are told."""

import json
import operator
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifier.domain.filter import MAX_LENGTH, compiled
from shared.postgres.database import Database
from tests.fixtures.postgres import Templates
from tests.integration.notifier_queue import INSTITUTION, claim, endpoint, fan_out, message, replay, rows, tell

DATA = {"status": "active", "revision": 3, "none": None, "yes": True, "links": {"verify": "https://v"}, "text": 'é"\\'}
Node = tuple[Any, ...]
SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
PATHS = ["status", "revision", "none", "yes", "links", "links.verify", "links.none", "missing", "text"]
LITERALS = ["active", "b", 'é"\\', "", 3, 2.5, -1, 0, True, False, None]
LEAVES = st.one_of(
    st.tuples(st.just("compare"), st.sampled_from(PATHS), st.sampled_from([*SIGNS, "!="]), st.sampled_from(LITERALS)),
    st.tuples(st.just("in"), st.sampled_from(PATHS), st.lists(st.sampled_from(LITERALS), min_size=1, max_size=4)),
    st.tuples(st.just("exists"), st.sampled_from(PATHS)),
)
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.tuples(st.just("not"), inner), st.tuples(st.sampled_from(["and", "or"]), inner, inner)),
    max_leaves=6,
)


@pytest.fixture
async def db(templates: Templates) -> AsyncIterator[Database]:
    async with templates.copy("notifier") as database:
        yield database


def written(node: Node) -> str:
    """As an owner would write it."""
    match node:
        case ("compare", path, sign, literal):
            return f"{path} {sign} {json.dumps(literal, ensure_ascii=False)}"
        case ("in", path, literals):
            return f"{path} in {json.dumps(literals, ensure_ascii=False)}"
        case ("exists", path):
            return f"exists({path})"
        case ("not", inner):
            return f"not ({written(inner)})"
    return f"({written(node[1])}) {node[0]} ({written(node[2])})"


def value_at(path: str) -> tuple[bool, Any]:
    found: Any = DATA
    for name in path.split("."):
        if not isinstance(found, dict) or name not in found:
            return False, None
        found = found[name]
    return True, found


def kind_of(value: Any) -> str:
    return "number" if type(value) in (int, float) else type(value).__name__


def meant(node: Node) -> bool:
    """What the language's own words say that it is."""
    match node:
        case ("compare", path, "!=", literal):
            return not meant(("compare", path, "==", literal))
        case ("compare", path, sign, literal):
            there, value = value_at(path)
            if not there or kind_of(value) != kind_of(literal):
                return False
            return sign in ("==", "<=", ">=") if value is None else SIGNS[sign](value, literal)
        case ("in", path, literals):
            return any(meant(("compare", path, "==", literal)) for literal in literals)
        case ("exists", path):
            return value_at(path)[0]
        case ("not", inner):
            return not meant(inner)
        case ("and", first, second):
            return meant(first) and meant(second)
    return meant(node[1]) or meant(node[2])


async def test_the_database_understands_every_filter_as_it_is_meant(db: Database) -> None:
    """Hypothesis makes the expressions; one statement evaluates all of them."""
    made: list[Node] = []
    strategy = EXPRESSIONS.filter(lambda node: len(written(node)) <= MAX_LENGTH)
    collect(strategy, made)
    async with db.worker() as tx:
        found = await tx.fetch(
            "SELECT $1::jsonb @@ path::jsonpath AS holds FROM unnest($2::text[]) WITH ORDINALITY AS given(path, n)"
            " ORDER BY n",
            DATA,
            [compiled(written(node)) for node in made],
        )
    assert len(made) >= 400
    holds = [meant(node) for node in made]
    assert {True, False} == set(holds)
    wrong = [written(node) for node, row, wanted in zip(made, found, holds, strict=True) if row["holds"] is not wanted]
    assert not wrong, wrong[:5]


def collect(strategy: st.SearchStrategy[Node], made: list[Node]) -> None:
    """Draw from a strategy outside of a test of its own, which could not wait for a database."""

    @settings(max_examples=500, database=None, deadline=None)
    @given(strategy)
    def draw(node: Node) -> None:
        made.append(node)

    draw()


async def heard(db: Database, one: Any) -> list[str]:
    found = await rows(db, "SELECT message_id FROM delivery WHERE endpoint_id = $1 ORDER BY id", one)
    return [str(row["message_id"]) for row in found]


async def test_each_endpoint_hears_what_its_filter_lets_through(db: Database) -> None:
    active = await endpoint(db, filter='status == "active" and not exists(links.none)')
    void, all_of_it = await endpoint(db, filter='status in ["revoked", "suspended"]'), await endpoint(db)
    nothing = await endpoint(db, filter="revision > 1")
    first, second = message(status="active", links={}), message(status="revoked")
    await fan_out(db, first, second)
    assert await heard(db, active) == [first.id]
    assert await heard(db, void) == [second.id]
    assert await heard(db, all_of_it) == [first.id, second.id]
    assert await heard(db, nothing) == []


async def test_what_no_filter_lets_through_is_sent_to_nobody_and_can_be_pulled(db: Database) -> None:
    await endpoint(db, filter='status == "active"')
    await fan_out(db, message(status="revoked"))
    assert await rows(db, "SELECT FROM delivery") == []
    assert await rows(db, "SELECT position FROM message") == [{"position": 1}]


async def test_achievements_narrow_what_is_about_one_of_its_credentials(db: Database) -> None:
    mine, other = uuid4(), uuid4()
    some, every = await endpoint(db, achievements=[mine, uuid4()]), await endpoint(db)
    told = [
        message(achievement=mine, achievement_id=str(mine)),
        message(achievement=other, achievement_id=str(other)),
        message(achievement=None),  # an event of a release that did not tell
        message(type="key.retired"),  # about no credential
    ]
    await fan_out(db, *told)
    assert await heard(db, some) == [told[0].id, told[3].id]
    assert await heard(db, every) == [each.id for each in told]
    late = await endpoint(db, achievements=[mine])
    await replay(db, late)
    assert await heard(db, late) == [told[0].id, told[3].id]


async def test_institutions_narrow_what_a_platform_hears_of_shares(db: Database) -> None:
    one, other, achievement = uuid4(), uuid4(), uuid4()
    some, every = await endpoint(db, institutions=[one, uuid4()]), await endpoint(db)
    both = await endpoint(db, institutions=[one], achievements=[achievement])
    told = [
        message(issuer=issuer, achievement=of, institution_id=str(issuer), achievement_id=str(of))
        for issuer in (one, other)
        for of in (achievement, uuid4())
    ]
    await fan_out(db, *told)
    assert await heard(db, some) == [told[0].id, told[1].id]
    assert await heard(db, both) == [told[0].id]
    assert await heard(db, every) == [each.id for each in told]
    late = await endpoint(db, institutions=[other])
    await replay(db, late)
    assert await heard(db, late) == [told[2].id, told[3].id]


async def test_the_whole_data_is_kept_for_those_alone_who_want_it(db: Database) -> None:
    thin = await endpoint(db)
    await tell(db)
    [unasked] = await rows(db, "SELECT full_data FROM message")
    assert unasked == {"full_data": None}

    full = await endpoint(db, payload="full")
    await tell(db)
    claimed = {each.endpoint_id: each for each in await claim(db, start=1)}
    assert claimed[thin].full_data is None
    # The first message of the full endpoint is the second that was told.
    assert orjson.loads(claimed[full].full_data or b"")["whole"] is True
    assert claimed[full].body != claimed[full].full_data


async def test_a_body_that_is_odd_json_is_filtered_like_any_other(db: Database) -> None:
    one = await endpoint(db, filter='text == "\\"}"')
    told = message(text='"}', more={"deep": [[[{}]]], "large": 1e300})
    await fan_out(db, told)
    assert await heard(db, one) == [told.id]


async def test_a_stranger_is_not_told_whatever_the_filter_says(db: Database) -> None:
    theirs = await endpoint(db, uuid4(), filter="exists(status)")
    mine = await endpoint(db, INSTITUTION, filter="exists(status)")
    told = message(status="active")
    await fan_out(db, told)
    assert await heard(db, mine) == [told.id]
    assert await heard(db, theirs) == []
