"""`laurel verify`: ask the verifier about a credential in a file or at a URL."""

import sys
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from services.cli.client import ApiError, open_client
from services.cli.output import UserError, say, table

VERIFIED, NOT_VERIFIED, UNUSABLE, CANNOT_ASK = 0, 1, 2, 3
MAX_BYTES = 1024 * 1024
ACCEPT = "application/vc, application/vc+ld+json, application/json;q=0.9"


async def run(source: str, verifier: str) -> int:
    """Print each check; the exit code is one of the four above. Raises UserError with it where no answer came."""
    credential = parse(await fetch(source) if "://" in source else read(source), source)
    async with open_client() as client:
        try:
            answer = await client.post(f"{verifier}/v1/verify", {"credential": credential})
        except ApiError as error:
            refused = 400 <= error.status < 500 and error.status != 429
            raise UserError(str(error), UNUSABLE if refused else CANNOT_ASK) from error
    return show(answer.body)


def show(verification: dict[str, Any]) -> int:
    """Print a verification; 0 when it verified, else 1."""
    rows = [(check["check"], check["outcome"], check.get("detail", "")) for check in verification["checks"]]
    table(("check", "outcome", "detail"), rows)
    say(f"{'verified' if verification['verified'] else 'NOT verified'}: {verification['verdict']}")
    return VERIFIED if verification["verified"] else NOT_VERIFIED


def read(source: str) -> bytes:
    """A file's bytes, or standard input's for `-`. Raises UserError."""
    try:
        raw = sys.stdin.buffer.read(MAX_BYTES + 1) if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {source}: {error.strerror}", UNUSABLE) from error
    return raw


async def fetch(url: str) -> bytes:
    """What a URL answers with. Raises UserError."""
    timeout = aiohttp.ClientTimeout(total=15)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(url, headers={"Accept": ACCEPT}) as answer,
        ):
            if answer.status != 200:
                raise UserError(f"{url} answered {answer.status}", UNUSABLE)
            return await _at_most(answer.content, MAX_BYTES + 1)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise UserError(f"cannot fetch {url} ({type(error).__name__})", UNUSABLE) from error


async def _at_most(stream: aiohttp.StreamReader, limit: int) -> bytes:
    read = bytearray()
    async for chunk in stream.iter_any():
        read += chunk
        if len(read) >= limit:
            break
    return bytes(read)


def parse(raw: bytes, source: str) -> dict[str, Any]:
    """The credential in `raw`, on its own or inside an answer of the issuer. Raises UserError."""
    if len(raw) > MAX_BYTES:
        raise UserError(f"{source} is larger than 1 MiB", UNUSABLE)
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise UserError(f"{source} is not JSON: {error}", UNUSABLE) from error
    if isinstance(document, dict) and "@context" not in document and isinstance(document.get("credential"), dict):
        document = document["credential"]
    if not isinstance(document, dict):
        raise UserError(f"{source} does not hold a JSON object", UNUSABLE)
    return document
