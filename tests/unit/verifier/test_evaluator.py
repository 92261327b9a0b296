"""The process that evaluates schemas: what a hostile schema costs, and that it costs nobody else anything."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.verifier.commands import evaluate_schema
from services.verifier.commands.evaluate_schema import Evaluator

VERSION = "https://json-schema.org/draft/2020-12/schema"


@pytest.fixture
async def evaluator() -> AsyncIterator[Evaluator]:
    made = Evaluator(cpu_seconds=0.15)
    yield made
    await made.close()


def schema(**words: Any) -> bytes:
    return json.dumps({"$schema": VERSION, **words}).encode()


def fanning_out(levels: int = 40) -> bytes:
    """Each level refers twice to the next: 2^levels evaluations of the last."""
    defs = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return schema(**{"$ref": "#/$defs/d0", "$defs": {**defs, f"d{levels}": {"type": "string"}}})


HOSTILE = {
    "references that fan out": (fanning_out(), b"5"),
    "depth that multiplies": (
        schema(**{"$dynamicAnchor": "a", "type": "array", "anyOf": [{"items": {"$dynamicRef": "#a"}}] * 2}),
        b"[" * 31 + b"5" + b"]" * 31,
    ),
    "many large patterns": (schema(allOf=[{"pattern": rf"(\w{{100}}){{40}}{n}"} for n in range(5000)]), b'"a"'),
    "all definitions in all others": (
        schema(
            **{"$ref": "#/$defs/d0"},
            **{"$defs": {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{m}"} for m in range(100)]} for n in range(100)}},
        ),
        b"5",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_what_costs_too_much_is_given_up_and_the_next_one_is_answered(evaluator: Evaluator, name: str) -> None:
    found = await evaluator.evaluate(*HOSTILE[name], "mallory")
    assert (found.outcome, found.code) == ("indeterminate", "schema-too-expensive")
    assert (await evaluator.evaluate(schema(type="object"), b"{}", "ada")).outcome == "success"


@pytest.mark.parametrize(
    ("words", "document"),
    [
        ({"uniqueItems": True}, [{"a": [n]} for n in range(10_000)]),
        ({"$ref": "#"}, 5),
        ({"enum": list(range(30_000))}, "x"),
        ({"unevaluatedProperties": False, "allOf": [{"$dynamicRef": "#a"}] * 50, "$dynamicAnchor": "a"}, {"b": 1}),
    ],
)
async def test_what_only_looks_costly_is_answered(evaluator: Evaluator, words: dict[str, Any], document: Any) -> None:
    found = await evaluator.evaluate(schema(**words), json.dumps(document).encode(), "ada")
    assert found.outcome in ("success", "failure")


async def test_the_loop_goes_on_meanwhile(evaluator: Evaluator) -> None:
    costly = asyncio.create_task(evaluator.evaluate(fanning_out(), b"5", "mallory"))
    turns = 0
    while not costly.done():
        await asyncio.sleep(0.005)
        turns += 1
    assert turns > 5


async def test_one_client_waits_for_its_own_and_others_for_one_of_them(evaluator: Evaluator) -> None:
    done: list[str] = []

    async def ask(client: str, schema_text: bytes) -> None:
        await evaluator.evaluate(schema_text, b"5", client)
        done.append(client)

    costly = [asyncio.create_task(ask("mallory", fanning_out())) for _ in range(20)]
    await asyncio.sleep(0)
    await ask("ada", schema())
    assert len(done) <= 2
    for task in costly:
        task.cancel()
    await asyncio.gather(*costly, return_exceptions=True)


async def test_nobody_waits_without_end(evaluator: Evaluator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate_schema, "WAIT_SECONDS", 0.05)
    found = await evaluator.evaluate(fanning_out(), b"5", "ada")
    assert (found.outcome, found.code) == ("indeterminate", "schema-too-expensive")


async def test_one_who_stops_waiting_leaves_no_answer_to_the_next(evaluator: Evaluator) -> None:
    assert (await evaluator.evaluate(schema(), b"{}", "ada")).outcome == "success"
    leaving = asyncio.create_task(evaluator.evaluate(fanning_out(), b"5", "mallory"))
    await asyncio.sleep(0.05)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    for number in range(20):
        found = await evaluator.evaluate(schema(required=[f"a{number}"]), b"{}", "ada")
        assert found.path == (f"a{number}",)


async def test_a_process_that_is_gone_is_started_again(evaluator: Evaluator) -> None:
    assert (await evaluator.evaluate(schema(), b"{}", "ada")).outcome == "success"
    process = evaluator._process
    assert process is not None
    process.kill()
    await process.wait()
    assert (await evaluator.evaluate(schema(), b"{}", "ada")).outcome == "success"


async def test_the_process_knows_no_secret_and_ends_with_its_owner(
    evaluator: Evaluator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAUREL_OPERATOR_TOKEN", "a secret of the operator's")
    await evaluator.evaluate(schema(), b"{}", "ada")
    process = evaluator._process
    assert process is not None
    if Path("/proc/self/environ").exists():
        assert b"LAUREL_" not in Path(f"/proc/{process.pid}/environ").read_bytes()
    await evaluator.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


async def test_large_documents_and_answers_pass(evaluator: Evaluator) -> None:
    name = "x" * 60_000
    document = json.dumps({name: "y" * 900_000}).encode()
    found = await evaluator.evaluate(schema(additionalProperties={"type": "integer"}), document, "ada")
    assert (found.outcome, found.path) == ("failure", (name,))
