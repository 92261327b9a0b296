"""The contexts shipped: unchanged, complete, and without a second name for anything."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.credentials import CREDENTIALS_V2, MICRO_CREDENTIAL_CONTEXT, OPEN_BADGES, add_contexts, contexts_for, rdfc
from shared.credentials import contexts as shipped
from shared.credentials.contexts import UnknownContext, is_known, load, manifest
from shared.credentials.spelling import PROPERTIES, TYPES

FOLDER = Path(shipped.__file__).parent


@pytest.mark.parametrize("url", manifest())
def test_a_vendored_context_has_its_recorded_digest_and_origin(url: str) -> None:
    entry = manifest()[url]
    assert hashlib.sha256((FOLDER / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
    assert all(entry[name] for name in ("source", "version", "licence"))


def test_no_context_stands_there_without_an_entry() -> None:
    assert {file.name for file in FOLDER.glob("*.jsonld")} == {entry["file"] for entry in manifest().values()}


def test_a_changed_file_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = manifest()[OPEN_BADGES]
    (tmp_path / entry["file"]).write_bytes((FOLDER / entry["file"]).read_bytes() + b" ")
    monkeypatch.setitem(entry, "path", str(tmp_path / entry["file"]))
    with pytest.raises(ValueError, match="manifest"):
        load.__wrapped__(OPEN_BADGES)


def test_other_contexts_are_unknown() -> None:
    with pytest.raises(UnknownContext):
        load("https://evil.example/context")
    assert not is_known("https://evil.example/context")
    assert not is_known({**MICRO_CREDENTIAL_CONTEXT, "name": "https://evil.example/name"})
    assert not is_known({})
    assert not is_known(None)


def scopes(context: Any) -> Iterator[dict[str, Any]]:
    """Each set of term definitions that applies together."""
    for part in context if isinstance(context, list) else [context]:
        if isinstance(part, dict):
            yield part
            for definition in part.values():
                if isinstance(definition, dict) and "@context" in definition:
                    yield from scopes(definition["@context"])


@pytest.mark.parametrize("context", [load(CREDENTIALS_V2)["@context"], load(OPEN_BADGES)["@context"]])
def test_no_property_has_two_names(context: Any) -> None:
    """Otherwise one could be written for the other under the same signature (see shared/credentials/plain.py)."""
    for terms in scopes(context):
        names = [item if isinstance(item, str) else item.get("@id") for name, item in terms.items() if name[0] != "@"]
        meanings = [name for name in names if name is not None]
        assert len(meanings) == len(set(meanings))


def test_our_own_terms_are_ours_or_a_published_vocabularys() -> None:
    known = (
        "http://data.europa.eu/snb/model/elm/",
        "http://purl.org/dc/terms/",
        "http://xmlns.com/foaf/0.1/",
        "urn:x-l",
    )
    for terms in scopes(MICRO_CREDENTIAL_CONTEXT):
        for item in terms.values():
            meaning = item if isinstance(item, str) else item["@id"]
            assert meaning == "@id" or meaning.startswith(known)


def test_the_inline_context_stands_only_where_it_is_needed() -> None:
    assert contexts_for({"name": "plain"}) == [CREDENTIALS_V2, OPEN_BADGES]
    assert contexts_for({"microCredential": {}}) == [CREDENTIALS_V2, OPEN_BADGES, MICRO_CREDENTIAL_CONTEXT]


def test_what_decides_about_a_credential_has_one_name_in_every_context() -> None:
    """See shared/credentials/spelling.py; two names that the specifications gave a type are both allowed there."""
    for url in manifest():
        for terms in scopes(load(url)["@context"]):
            prefixes = {name: item for name, item in terms.items() if isinstance(item, str) and item[-1] in "#/"}
            for name, item in terms.items():
                meaning = (
                    item if isinstance(item, str) else (item or {}).get("@id") if not name.startswith("@") else None
                )
                if isinstance(meaning, str):
                    prefix, _, rest = meaning.partition(":")
                    iri = prefixes.get(prefix, f"{prefix}:") + rest
                    assert name in (PROPERTIES.get(iri, name), *TYPES.get(iri, (name,))), (url, name, iri)


def write_manifest(folder: Path, url: str, text: str, digest: str | None = None) -> None:
    """A folder with one context in it."""
    (folder / "mine.jsonld").write_text(text, "utf-8")
    entry = {"url": url, "file": "mine.jsonld", "sha256": digest or hashlib.sha256(text.encode()).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps([entry]), "utf-8")


MINE = '{"@context": {"colour": "https://mine.example/colour"}}'


def test_an_operators_context_is_known_once_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "_added", {})
    url = "https://mine.example/context"
    write_manifest(tmp_path, url, MINE)
    assert add_contexts(tmp_path) == 1
    assert (
        rdfc({"@context": [CREDENTIALS_V2, url], "colour": "red"}) == b'_:c14n0 <https://mine.example/colour> "red" .\n'
    )


@pytest.mark.parametrize(
    ("url", "digest", "text"),
    [
        (CREDENTIALS_V2, None, MINE),
        ("https://mine.example/other", "0" * 64, MINE),
    ],
)
def test_a_context_that_would_change_what_documents_mean_is_not_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, digest: str | None, text: str
) -> None:
    monkeypatch.setattr(shipped, "_added", {})
    write_manifest(tmp_path, url, text, digest)
    with pytest.raises(ValueError, match=r"shipped|manifest"):
        add_contexts(tmp_path)


def test_a_folder_without_a_manifest_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"manifest.json cannot be used"):
        add_contexts(tmp_path)
