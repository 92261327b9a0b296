"""Letters under `laurel up`: written to the folder it names, shown by `laurel mail`."""

import os
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.cli.deployment import REPOSITORY
from tests.fixtures.postgres import Templates
from tests.integration.post_office import PostOffice, issued, offered, registered


@pytest.fixture
async def office(templates: Templates) -> AsyncIterator[PostOffice]:
    async with templates.copy("notifier") as db:
        made = PostOffice(db)
        await made.hear(registered(made.institution))
        yield made


def laurel(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


async def test_letters_are_files_for_their_owners_eyes_that_laurel_mail_shows(
    office: PostOffice, tmp_path: Path
) -> None:
    for number, name in enumerate(("Zoë Müller", "Max")):
        event = issued(office.institution, f"learner-{number}@example.org", name=name, language="en")
        await office.hear(event, offered(event))
        async with office.sending(office.mailer_into(tmp_path / "mail")):
            await office.settled()
    files = sorted((tmp_path / "mail").iterdir())
    assert [file.suffix for file in files] == [".eml", ".eml"]
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    assert stat.S_IMODE((tmp_path / "mail").stat().st_mode) == 0o700

    listed = laurel("mail", "--data", str(tmp_path))
    assert listed.returncode == 0, listed.stderr
    lines = listed.stdout.splitlines()
    assert [line.split()[0] for line in lines[1:3]] == ["1", "2"]
    assert "Max <learner-1@example.org>" in lines[1], "the newest first"
    assert "You earned a credential: Applied Statistics" in lines[2]
    assert lines[3] == f"2 letters in {tmp_path / 'mail'}; laurel mail NUMBER shows one"

    shown = laurel("mail", "2", "--data", str(tmp_path))
    assert "To: Zoë Müller <learner-0@example.org>" in shown.stdout
    assert "Hello Zoë Müller," in shown.stdout
    assert "https://registry.example/claim/" in shown.stdout


async def test_a_folder_that_cannot_be_written_keeps_the_letter(office: PostOffice, tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("in the way")
    event = issued(office.institution, "zoe@example.org")
    await office.hear(event, offered(event))
    mailer = office.mailer_into(tmp_path / "mail")
    async with office.sending(mailer):
        await office.until_tried("folder-unwritable")
    assert await office.states() == [("earned", "pending", None)]


def test_no_letters_are_none_and_a_wrong_number_is_said_in_one_line(tmp_path: Path) -> None:
    listed = laurel("mail", LAUREL_MAIL_DIR=str(tmp_path / "elsewhere"))
    assert (listed.returncode, listed.stdout.splitlines()[-1].partition(" ")[0]) == (0, "0")
    wrong = laurel("mail", "7", "--data", str(tmp_path))
    assert wrong.returncode == 1
    assert wrong.stderr == f"laurel: there is no letter 7: {tmp_path / 'mail'} holds 0\n"
