"""The `laurel` command against running services: what it prints, what it exits with, what a second run changes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

from services.cli.deployment import REPOSITORY, SERVICES
from tests.fixtures.api import Api, Institution, expect
from tests.fixtures.postgres import Templates
from tests.fixtures.stack import Stack


def laurel(stack: Stack, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command; the services' URLs are in its environment, as they would be in a person's."""
    urls = {f"LAUREL_{name.upper()}_URL": stack[name].url for name in SERVICES}
    return subprocess.run(
        [sys.executable, "-m", "services", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, **urls, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def issue(stack: Stack, institution: Institution, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`laurel issue`, signed in as the institution."""
    keys = {"LAUREL_CLIENT_ID": institution.client_id, "LAUREL_CLIENT_SECRET": institution.client_secret}
    return laurel(stack, "issue", *arguments, **keys)


async def count(api: Api, institution: Institution) -> int:
    answer = await api.http.get(f"{api.urls['issuer']}/v1/credentials?limit=200", headers=institution.headers)
    return len(expect(200, answer)["items"])


async def test_a_file_issued_twice_issues_each_row_once(running: Stack, api: Api, tmp_path: Path) -> None:
    institution = await api.institution()
    achievement = await api.achievement(institution)
    learners = tmp_path / "learners.csv"
    learners.write_text("email,name\n" + "".join(f"learner{number}@example.com,L {number}\n" for number in range(30)))
    first = issue(running, institution, "--achievement", achievement, "--csv", str(learners))
    assert first.returncode == 0, first.stderr
    assert first.stdout.endswith("30 of 30 issued\n")
    assert "\x1b" not in first.stdout
    learners.write_text(learners.read_text() + "another@example.com,One\n")
    second = issue(running, institution, "--achievement", achievement, "--csv", str(learners))
    assert second.returncode == 0, second.stderr
    assert second.stdout.count("issued before") == 30
    assert await count(api, institution) == 31


async def test_a_row_the_issuer_refuses_is_named_and_the_others_are_issued(
    running: Stack, api: Api, tmp_path: Path
) -> None:
    institution = await api.institution()
    learners = tmp_path / "learners.csv"
    learners.write_text("email\na@example.com\nnot-an-address\nb@example.com\n")
    achievement = await api.achievement(institution)
    result = issue(running, institution, "--achievement", achievement, "--csv", str(learners))
    assert result.returncode == 1
    assert result.stderr.count("#/recipient/email: is not an e-mail address") == 1
    assert "line 3, not-an-address: " in result.stderr
    nothing = issue(running, institution, "--achievement", str(uuid4()), "--email", "a@example.com")
    assert nothing.returncode == 1
    assert "#/achievement: There is no such achievement." in nothing.stderr
    assert result.stdout.endswith("2 of 3 issued\n")
    assert await count(api, institution) == 2


async def test_mistakes_end_in_one_line_without_a_traceback(running: Stack, api: Api, tmp_path: Path) -> None:
    institution = await api.institution()
    wrong_secret = laurel(
        running,
        *("issue", "--achievement", "x", "--email", "a@example.com"),
        LAUREL_CLIENT_ID=institution.client_id,
        LAUREL_CLIENT_SECRET="wrong",
    )
    not_json = laurel(running, "verify", "examples/learners.csv", "--verifier", "http://127.0.0.1:9")
    no_file = laurel(running, "verify", str(tmp_path / "none.json"))
    no_token = laurel(running, "replay", "--data", str(tmp_path), LAUREL_OPERATOR_TOKEN="")
    no_service = laurel(running, "migrate", "teller")
    two_ways = issue(running, institution, "--achievement", "x", "--csv", "examples/learners.csv", "--email", "a@b.org")
    for result, code in (
        (wrong_secret, 1),
        (not_json, 2),
        (no_file, 2),
        (no_token, 2),
        (no_service, 2),
        (two_ways, 2),
    ):
        assert result.returncode == code, result
        assert result.stderr.startswith("laurel: "), result.stderr
        assert len(result.stderr.splitlines()) == 1, result.stderr


async def test_verify_tells_by_its_exit_code(running: Stack, api: Api, tmp_path: Path) -> None:
    institution = await api.institution()
    issued = await api.issue(institution, await api.achievement(institution))
    await api.registered(issued["id"])
    await api.verdict(issued["credential"], "valid")
    badge = tmp_path / "badge.json"
    badge.write_text(json.dumps(issued["credential"]))
    good = laurel(running, "verify", str(badge))
    assert good.returncode == 0, good
    assert good.stdout.endswith("verified: valid\n")
    by_url = laurel(running, "verify", f"{running['registry'].url}/credentials/{issued['id']}")
    assert by_url.returncode == 0, by_url
    badge.write_text(json.dumps({**issued["credential"], "validFrom": "2001-01-01T00:00:00Z"}))
    changed = laurel(running, "verify", str(badge))
    assert changed.returncode == 1, changed
    assert changed.stdout.endswith("NOT verified: forged\n")
    badge.write_text('{"not": "a credential"')
    assert laurel(running, "verify", str(badge)).returncode == 2
    badge.write_text("{}")
    empty = laurel(running, "verify", str(badge))
    assert empty.returncode == 2
    assert empty.stderr.endswith("422: #/credential: must not be empty\n"), empty
    badge.write_text(json.dumps(issued["credential"]))
    assert laurel(running, "verify", str(badge), "--verifier", "http://127.0.0.1:9").returncode == 3


async def test_status_shows_every_service_and_which_is_down(running: Stack) -> None:
    well = laurel(running, "status")
    assert well.returncode == 0, well.stdout
    lines = {line.split()[0]: line.split() for line in well.stdout.splitlines()[1:]}
    assert lines.keys() == SERVICES.keys()
    assert all(line[2] == "ready" for line in lines.values())
    assert all(line[3].isdigit() for line in lines.values()), "each has an outbox"
    running["notifier"].stop()
    ill = laurel(running, "status")
    assert ill.returncode == 1
    assert "does not answer" in ill.stdout


async def test_replay_publishes_again_and_doubles_nothing(running: Stack, api: Api) -> None:
    institution = await api.institution()
    issued = await api.issue(institution, await api.achievement(institution))
    await api.registered(issued["id"])
    result = laurel(running, "replay", "--source", "issuer", LAUREL_OPERATOR_TOKEN=running.deployment.operator_token)
    assert result.returncode == 0, result
    published = int(result.stdout.split(":")[1].split()[0])
    assert published >= 4  # institution, key, achievement, credential
    assert await api.registered(issued["id"]) == issued["credential"]
    assert (await api.verdict(issued["credential"], "valid"))["verified"]


async def test_migrate_brings_an_empty_database_up_to_date(running: Stack, templates: Templates) -> None:
    async with templates.blank() as name:
        urls = {
            "LAUREL_DATABASE_URL": templates.server.app_url(name),
            "LAUREL_DATABASE_OWNER_URL": templates.server.owner_url(name),
        }
        first, second = (laurel(running, "migrate", "registry", **urls) for _ in range(2))
    assert first.returncode == 0, first
    assert "registry/0001_" in first.stdout
    assert second.stdout == "registry: up to date\n"
