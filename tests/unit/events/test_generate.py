"""The generator's command: what is out of date is told, written, and kept for a release."""

import shutil
from pathlib import Path

import orjson
import pytest

from shared.events import generate
from shared.events.catalogue import CredentialIssued, InstitutionRegistered
from shared.events.json_schema import schema_of

ISSUED = generate.SCHEMAS / f"{CredentialIssued.TYPE}.json"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository with this one's version."""
    shutil.copy(generate.ROOT / "pyproject.toml", tmp_path)
    for function in (generate.stale, generate.write, generate.release):
        monkeypatch.setattr(function, "__defaults__", (tmp_path,))
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    return tmp_path


def test_everything_is_written_once(root):
    assert generate.main([]) == 0
    assert (root / "docs/events.md").exists()
    assert generate.write(root) == []


def test_a_check_fails_names_what_is_out_of_date_and_writes_nothing(root, capsys):
    assert generate.main(["--check"]) == 1
    assert f"out of date: {ISSUED}" in capsys.readouterr().out
    assert not (root / "docs").exists()


@pytest.mark.parametrize("path", [ISSUED, Path("docs/asyncapi.json"), Path("docs/events.md")])
def test_a_file_that_does_not_follow_the_models_is_out_of_date(root, path):
    generate.write(root)
    (root / path).write_text((root / path).read_text().replace("version", "edition"))
    assert generate.stale(root) == [path]
    assert generate.main(["--check"]) == 1
    assert generate.write(root) == [path]
    assert generate.main(["--check"]) == 0


def test_the_file_of_a_type_that_is_gone_is_out_of_date_and_removed(root):
    generate.write(root)
    orphan = generate.SCHEMAS / "org.laurel.credential.eaten.v1.json"
    (root / orphan).write_text("{}")
    assert generate.stale(root) == [orphan]
    generate.write(root)
    assert not (root / orphan).exists()


def test_a_release_keeps_the_schemas_and_no_release_is_kept_twice(root):
    assert generate.main(["--release", "9.9.9"]) == 0
    kept = root / generate.RELEASED / "9.9.9" / ISSUED.name
    assert kept.read_text() == (root / ISSUED).read_text()
    assert generate.stale(root) == []
    with pytest.raises(FileExistsError):
        generate.release("9.9.9", root)


def test_schemas_are_open_and_say_what_may_be_absent():
    schema = schema_of(InstitutionRegistered)
    assert b"additionalProperties" not in orjson.dumps(schema_of(CredentialIssued))
    assert schema["properties"]["email"] == {"type": "string"}
    assert {"email", "image"} & set(schema["required"]) == set()
    assert schema["title"] == "InstitutionRegistered"
    assert schema["description"] == "An institution may now publish achievements and issue credentials."
