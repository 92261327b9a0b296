"""Writes what follows from the event models: python -m shared.events.generate [--check] [--release VERSION].

`shared/events/schemas/<type>.json`, `docs/asyncapi.json` and `docs/events.md`. With --check nothing is written and the
exit status says whether anything would change. With --release the present schemas also become those of a release,
which later ones are compared with.
"""

import argparse
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from shared.events.asyncapi import document
from shared.events.catalogue import EVENT_TYPES
from shared.events.json_schema import ENVELOPE, schema_of
from shared.events.notice import ParkedNotice
from shared.events.table import page

ROOT = Path(__file__).parents[2]
SCHEMAS = Path("shared/events/schemas")
RELEASED = SCHEMAS / "released"


def files(root: Path = ROOT) -> dict[Path, str]:
    """Every generated file, as a path below `root`, and what should be in it."""
    version = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    made = {SCHEMAS / f"{event.TYPE}.json": _json(schema_of(event)) for event in EVENT_TYPES}
    made[SCHEMAS / f"{ParkedNotice.TYPE}.json"] = _json(schema_of(ParkedNotice))
    made[SCHEMAS / "envelope.json"] = _json(ENVELOPE)
    made[Path("docs/asyncapi.json")] = _json(document(version))
    made[Path("docs/events.md")] = page()
    return made


def stale(root: Path = ROOT) -> list[Path]:
    """What is missing, differs, or is left of a type that is gone."""
    wanted = files(root)
    differing = [path for path, text in wanted.items() if _read(root / path) != text]
    return differing + [path for path in _present(root) if path not in wanted]


def write(root: Path = ROOT) -> list[Path]:
    """Bring every file up to date; gives those that were not."""
    changed, wanted = stale(root), files(root)
    for path in changed:
        if path in wanted:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(wanted[path], "utf-8")
        else:
            (root / path).unlink()
    return changed


def release(version: str, root: Path = ROOT) -> Path:
    """Keep the present schemas as those of `version`."""
    folder = root / RELEASED / version
    folder.mkdir(parents=True)
    for path, text in files(root).items():
        if path.parent == SCHEMAS:
            (folder / path.name).write_text(text, "utf-8")
    return folder


def _present(root: Path) -> list[Path]:
    return sorted(path.relative_to(root) for path in (root / SCHEMAS).glob("*.json"))


def _read(path: Path) -> str | None:
    return path.read_text("utf-8") if path.exists() else None


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n"


def main(arguments: Sequence[str]) -> int:
    """The command. Gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m shared.events.generate", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail when something is out of date")
    parser.add_argument("--release", metavar="VERSION", help="keep the schemas as those of a release")
    options = parser.parse_args(arguments)
    changed = stale() if options.check else write()
    for path in changed:
        sys.stdout.write(f"{'out of date' if options.check else 'written'}: {path}\n")
    if options.release:
        sys.stdout.write(f"kept: {release(options.release).relative_to(ROOT)}\n")
    return 1 if options.check and changed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
