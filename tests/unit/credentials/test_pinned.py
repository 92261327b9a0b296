"""Documents pinned by their digests: a folder with its manifest, and what stands beside an id."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from shared.credentials import UnusableDigest, UnusableFolder, check_digests, encode_base64url, read_folder

CONTENT = b'{"type": "object"}'
DIGEST = hashlib.sha256(CONTENT).digest()


def write(folder: Path, **change: Any) -> Path:
    entry = {"url": "https://u.example/s", "file": "s.json", "sha256": DIGEST.hex(), **change}
    (folder / "s.json").write_bytes(CONTENT)
    (folder / "manifest.json").write_text(json.dumps([entry]))
    return folder


def test_a_folder_gives_its_documents_by_url(tmp_path: Path) -> None:
    assert read_folder(write(tmp_path)) == {"https://u.example/s": CONTENT}


@pytest.mark.parametrize("change", [{"sha256": "00" * 32}, {"sha256": None}, {"file": "away.json"}, {"file": 5}])
def test_a_folder_that_is_not_what_it_says_is_not_used(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(UnusableFolder):
        read_folder(write(tmp_path, **change))


@pytest.mark.parametrize("manifest", ["", "[5]", '{"url": "x"}', "[{}]", None])
def test_a_manifest_that_cannot_be_read_is_said(tmp_path: Path, manifest: str | None) -> None:
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(UnusableFolder, match=r"manifest\.json"):
        read_folder(tmp_path)


def sri(name: str, content: bytes = CONTENT) -> str:
    return f"{name}-{base64.b64encode(hashlib.new(name, content).digest()).decode()}"


GOOD = [
    {},
    {"digestSRI": sri("sha256")},
    {"digestSRI": [sri("sha384"), sri("sha512")]},
    {"digestMultibase": "u" + encode_base64url(b"\x12\x20" + DIGEST)},
]


@pytest.mark.parametrize("owner", GOOD)
def test_content_is_what_its_digests_say(owner: dict[str, Any]) -> None:
    check_digests(owner, CONTENT)
    if owner:
        with pytest.raises(UnusableDigest):
            check_digests(owner, CONTENT + b" ")


@pytest.mark.parametrize(
    "owner",
    [
        {"digestSRI": [sri("sha256"), sri("sha384", b"other")]},
        {"digestSRI": "md5-AAAA"},
        {"digestSRI": 5},
        {"digestMultibase": "u"},
        {"digestSRI": sri("sha256"), "digestMultibase": "zzz"},
    ],
)
def test_a_digest_that_is_none_or_of_something_else_is_said(owner: dict[str, Any]) -> None:
    with pytest.raises(UnusableDigest):
        check_digests(owner, CONTENT)
