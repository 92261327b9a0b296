"""`laurel demo` does the product's main job and says so; it leaves nothing running."""

import os
import re
import subprocess
import sys
from pathlib import Path

import psutil

from services.cli.deployment import REPOSITORY
from services.cli.ports import is_free


def test_a_hundred_credentials_from_a_file_to_the_platform(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "services", "demo"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "TMPDIR": "/tmp"},
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[-1] == "everything did what it should"
    credentials = [line for line in lines if re.search(r"http://localhost:\d+/credentials/[0-9a-f-]{36}", line)]
    assert len(credentials) == 100
    assert sum(line.rstrip().endswith("issued, registered, revoked") for line in credentials) == 1
    assert sum("valid" in line and line.rstrip().endswith("issued, registered") for line in credentials) == 99
    assert sum("did:web:localhost%3A" in line for line in lines) == 2
    assert "webhooks received by the platform: 201, each signature valid; refused: 0" in lines
    assert "status    fail     The issuer revoked the credential." in lines
    (shared,) = [number for number, line in enumerate(lines) if line.startswith("Shared by ")]
    steps = [line.split()[0] for line in lines[shared + 2 : shared + 8]]
    assert steps == ["letter", "claimed", "shared", "shown", "unshared", "removed"]
    shown = re.search(r"http://127\.0\.0\.1:(\d+)/members/", lines[shared + 5])
    assert shown is not None
    assert is_free(int(shown[1]))
    left = [
        one.info["cmdline"] for one in psutil.process_iter(["cmdline"]) if "laurel-demo-" in str(one.info["cmdline"])
    ]
    assert left == []
