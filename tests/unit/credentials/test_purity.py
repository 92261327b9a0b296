"""The core does no I/O: what it imports says so, and so does its source."""

import ast
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import shared.credentials
from shared.credentials import CanonicalError, rdfc, verify_proof
from tests.unit.credentials.badges import KEYS, badge, signed

FOLDER = Path(shared.credentials.__file__).parent
FORBIDDEN = {"asyncio", "asyncpg", "aiokafka", "aiohttp", "fastapi", "httpx", "requests", "socket", "ssl", "urllib3"}


def test_importing_the_core_brings_no_network_or_database_in() -> None:
    """Of its own: the JSON-LD library loads `requests`, which is never called because documents come from `_loader`."""
    ours = ("asyncpg", "aiokafka", "aiohttp", "fastapi", "httpx")
    code = f"import sys, shared.credentials; print([name for name in {ours!r} if name in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=FOLDER.parent.parent
    )
    assert result.stdout.strip() == "[]"


def test_signing_and_verifying_open_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    verify_proof(signed(), KEYS)
    with pytest.raises(CanonicalError, match="context-not-allowed"):
        rdfc({**badge(), "@context": [*badge()["@context"], "https://evil.example/context"]})


def test_no_module_names_one() -> None:
    for file in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not FORBIDDEN & {name.partition(".")[0] for name in names}, file.name
