"""The snippets of docs/webhooks-checking.md in servers of their own languages, one process a language.

A server's paths say how it checks (`/secret`, `/public-key`, for Python also `/library`), each request's `x-key` with
which key. Sources are built once, by the toolchain a platform would use; without one this fails, it never skips.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.fixtures.java_peer import QUICK

PAGE = Path(__file__).parents[2] / "docs" / "webhooks-checking.md"
SOURCES = Path(__file__).parent / "webhooks"
BUILD_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Language:
    """`snippets` says into which file each snippet of the page goes; they are built, and run, beside the server."""

    snippets: dict[str, str]
    build: tuple[str, ...]
    run: tuple[str, ...]


LANGUAGES = {
    "python": Language(
        {
            "python": "python.py",
            "python library": "python_library.py",
            "python public key": "python_public_key.py",
        },
        (),
        (sys.executable, "receiver.py"),
    ),
    "javascript": Language({"javascript": "javascript.mjs"}, (), ("node", "receiver.mjs")),
    "java": Language(
        {"java": "Webhooks.java"},
        ("javac", "--release", "17", "Webhooks.java", "Receiver.java"),
        ("java", *QUICK, "Receiver"),
    ),
    "go": Language(
        {"go": "webhooks/webhooks.go"},
        ("go", "build", "-o", "receiver", "."),
        ("./receiver",),
    ),
}


def snippet(name: str) -> str:
    """A snippet, as it stands on the page."""
    found = re.search(rf"<!-- tested: {re.escape(name)} -->\n```\w+\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found, f"no snippet {name}"
    return found[1]


@contextlib.contextmanager
def serving(language: Language, folder: Path) -> Iterator[str]:
    """Build the language's server in `folder`, which is new, and run it meanwhile; its address."""
    shutil.copytree(SOURCES, folder)
    for name, file in language.snippets.items():
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text(snippet(name))
    environment = {**os.environ, "CGO_ENABLED": "0"}  # so that Go needs no C compiler
    if language.build:
        built = subprocess.run(
            language.build,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
        assert built.returncode == 0, built.stdout + built.stderr
    with subprocess.Popen(language.run, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            assert port.isdecimal(), f"{language.run[0]} ended with {process.wait()}"
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
