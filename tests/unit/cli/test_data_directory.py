"""The data directory of `laurel up`: secrets are made once, and two cannot use it at a time."""

import os
import stat
from pathlib import Path

import pytest

from services.cli.data_directory import DataDirectory
from services.cli.output import UserError


@pytest.fixture(autouse=True)
def no_secrets_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAUREL_OPERATOR_TOKEN", raising=False)
    monkeypatch.delenv("LAUREL_KEK", raising=False)
    monkeypatch.delenv("LAUREL_RECIPIENT_KEY", raising=False)


def secrets_of(directory: DataDirectory) -> list[str]:
    return [directory.operator_token(), directory.kek(), directory.recipient_key(), directory.database_password()]


def test_secrets_are_made_once_for_their_owner_alone(tmp_path: Path) -> None:
    with DataDirectory(tmp_path / "data") as directory:
        made = secrets_of(directory)
    with DataDirectory(tmp_path / "data") as directory:
        assert secrets_of(directory) == made
    assert len(set(made)) == 4
    for name in ("operator.token", "kek", "recipient_key", "database.password"):
        assert stat.S_IMODE((tmp_path / "data" / name).stat().st_mode) == 0o600


def test_a_secret_in_the_environment_is_used_and_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAUREL_OPERATOR_TOKEN", "given")
    with DataDirectory(tmp_path) as directory:
        assert directory.operator_token() == "given"
    assert not (tmp_path / "operator.token").exists()


def test_a_second_user_of_the_directory_is_refused_at_once(tmp_path: Path) -> None:
    with (
        DataDirectory(tmp_path),
        pytest.raises(UserError, match=f"in use by another `laurel up` \\(process {os.getpid()}\\)"),
        DataDirectory(tmp_path),
    ):
        pass
    with DataDirectory(tmp_path):  # released
        pass


def test_a_directory_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot use .* as the data directory"), DataDirectory(tmp_path / "file"):
        pass
