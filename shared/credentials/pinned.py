"""Documents that lie in a folder, each pinned by its SHA-256: those shipped here, and those an operator adds."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Entry = Mapping[str, Any]


class UnusableFolder(ValueError):
    """A folder of documents that cannot be used; the message says why."""


def read_manifest(folder: Path) -> dict[str, Entry]:
    """What a folder's `manifest.json` says of each document (`url`, `file` and `sha256`), by URL.

    Raises UnusableFolder.
    """
    path = folder / "manifest.json"
    try:
        entries = json.loads(path.read_text("utf-8"))
        return {entry["url"]: {**entry, "path": str(folder / entry["file"])} for entry in entries}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnusableFolder(f"{path} cannot be used: {error}") from None


def read_document(entry: Entry) -> bytes:
    """The document of an entry. Raises UnusableFolder when it is away, or not what its manifest says."""
    try:
        raw = Path(entry["path"]).read_bytes()
    except OSError as error:
        raise UnusableFolder(f"{entry['file']} cannot be used: {error}") from None
    if hashlib.sha256(raw).hexdigest() != entry.get("sha256"):
        raise UnusableFolder(f"{entry['file']} is not what its manifest says")
    return raw


def read_folder(folder: Path) -> dict[str, bytes]:
    """Every document of a folder, by URL. Raises UnusableFolder."""
    return {url: read_document(entry) for url, entry in read_manifest(folder).items()}
