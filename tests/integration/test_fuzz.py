"""Thousands of requests generated from the four OpenAPI documents: no 5xx, and nothing the documents do not say."""

import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from services.cli.deployment import SERVICES
from tests.fixtures.api import Api
from tests.fixtures.stack import Stack

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
LEAST = 2000
OPERATORS = "^/v1/(institutions|parked|replay|rebuild|bounces|learners)"
"""Where the operator's token opens what a tenant's does not."""
SLOW = "^/v1/events"
"""What waits for as long as it is asked to, or never ends."""
RAW = "/v1/bounces/report"
"""Takes whole mails, which schemathesis cannot make; tests/unit/notifier/test_letters.py does."""


def requests_answered(stack: Stack) -> int:
    """What the services counted."""
    total = 0
    for service in stack.services.values():
        text = httpx.get(f"{service.url}/metrics", trust_env=False, verify=False).text
        total += sum(int(float(n)) for n in re.findall(r"^http_requests_total\{.*\} ([0-9.e+]+)$", text, re.MULTILINE))
    return total


def fuzz(url: str, token: str, *more: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Let schemathesis loose on one service."""
    options = [
        f"--checks={CHECKS}",
        "--phases=examples,coverage,fuzzing",
        "--mode=all",
        "--max-examples=5",
        "--seed=20261123",
        "--generation-database=none",
        "--warnings=off",
        "--no-shrink",
        "--continue-on-failure",
        "--no-color",
        "--workers=1",
        f"--exclude-path={RAW}",
        f"--header=Authorization: Bearer {token}",
        "--request-timeout=20",
        f"--exclude-path-regex={SLOW}",
    ]
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{url}/openapi.json", *options, *more]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.parametrize("bus_kind", ["embedded"], indirect=True)
async def test_generated_requests_find_no_5xx_and_no_untrue_document(running: Stack, api: Api, tmp_path: Path) -> None:
    institution = await api.institution()
    await api.issue(institution, await api.achievement(institution))
    before = requests_answered(running)
    operator = api.operator["Authorization"].removeprefix("Bearer ")
    for name in SERVICES:
        for more in ([institution.token], [operator, f"--include-path-regex={OPERATORS}"]):
            result = fuzz(running[name].url, *more, folder=tmp_path)
            assert result.returncode == 0, f"{name}:\n{result.stdout[-6000:]}{result.stderr[-2000:]}"
    sent = requests_answered(running) - before
    print(f"{sent} generated requests")
    assert sent >= LEAST
    assert running.services["issuer"].is_ready()
