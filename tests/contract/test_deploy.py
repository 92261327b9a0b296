"""What deploy/ and docker-compose.yml promise, as far as it can be checked without a Docker engine."""

import json
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from services.cli.deployment import REPOSITORY, SERVICES

PINNED = re.compile(r"[a-z0-9./-]+:[A-Za-z0-9._-]*\d[A-Za-z0-9._-]*@sha256:[0-9a-f]{64}")
SCHEMA = Path(__file__).parent / "compose-spec" / "compose-spec.json"
DOCKERFILE = (REPOSITORY / "deploy/Dockerfile").read_text()


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text()))


def names(service: dict[str, Any], field: str) -> set[str]:
    """`secrets` or `configs` of a service: the names they have at the top of the file."""
    return {item["source"] for item in service.get(field, ())}


def test_compose_file_follows_the_compose_specification(compose: dict[str, Any]) -> None:
    jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(compose)


def test_everything_a_service_names_is_declared_and_nothing_else_is(compose: dict[str, Any]) -> None:
    used: dict[str, set[str]] = {"secrets": set(), "configs": set(), "networks": set(), "volumes": set()}
    for service in compose["services"].values():
        used["secrets"] |= names(service, "secrets")
        used["configs"] |= names(service, "configs")
        used["networks"] |= set(service["networks"])
        used["volumes"] |= {volume.split(":")[0] for volume in service.get("volumes", ())}
        assert set(service.get("depends_on", ())) <= compose["services"].keys()
    assert used == {kind: set(compose[kind]) for kind in used}


def test_every_image_is_ours_or_pinned_by_tag_and_digest(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if name in SERVICES:
            assert service["build"]["args"] == {"SERVICE": name}
            assert service["build"]["dockerfile"] == "deploy/Dockerfile"
        else:
            assert PINNED.fullmatch(service["image"]), f"{name}: {service['image']}"
    bases = re.findall(r"^ARG PYTHON=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert len(bases) == 1
    assert PINNED.fullmatch(bases[0])
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"${PYTHON}"}


def test_every_container_is_hardened(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "gateway" else []), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["restart"] == "unless-stopped", name
        assert {"cpus", "memory", "pids"} <= service["deploy"]["resources"]["limits"].keys(), name
        assert not service.get("privileged"), name


def test_every_container_but_the_collector_is_checked(compose: dict[str, Any]) -> None:
    unchecked = {name for name, service in compose["services"].items() if "test" not in service["healthcheck"]}
    assert unchecked == {"collector"}  # its image has nothing to check with; nothing waits for it
    waited_for = {name for service in compose["services"].values() for name in service.get("depends_on", ())}
    assert not waited_for & unchecked


def test_a_database_shares_a_network_with_its_service_alone(compose: dict[str, Any]) -> None:
    members: dict[str, set[str]] = {}
    for name, service in compose["services"].items():
        for network in service["networks"]:
            members.setdefault(network, set()).add(name)
    for service in SERVICES:
        assert compose["services"][f"{service}-db"]["networks"] == [f"{service}-db"]
        assert members[f"{service}-db"] == {service, f"{service}-db"}
        assert compose["networks"][f"{service}-db"]["internal"] is True
    assert members["bus"] == {"kafka", *SERVICES}


def test_only_the_gateway_is_published_and_only_to_this_machine_by_default(compose: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert published.keys() == {"gateway"}
    assert all(port.startswith("${LAUREL_BIND:-127.0.0.1}:") for port in published["gateway"])


def test_services_wait_for_their_database_and_the_broker_only(compose: dict[str, Any]) -> None:
    for service in SERVICES:
        waits = compose["services"][service]["depends_on"]
        assert waits == {f"{service}-db": {"condition": "service_healthy"}, "kafka": {"condition": "service_healthy"}}


def test_no_secret_stands_in_the_compose_file_or_the_repository(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for variable in service.get("environment", {}):
            assert not re.search(r"PASSWORD$|TOKEN|KEK|DATABASE_URL", variable), f"{name}: {variable}"
    for name, secret in compose["secrets"].items():
        assert secret == {"file": f"./deploy/secrets/{name}"}
    tracked = subprocess.run(["git", "ls-files", "deploy/secrets"], cwd=REPOSITORY, capture_output=True, text=True)
    assert set(tracked.stdout.split()) <= {"deploy/secrets/README.md"}


def test_every_service_gets_its_own_secrets_only(compose: dict[str, Any]) -> None:
    own = ("kek", "database_url", "database_owner_url")
    for service in SERVICES:
        expected = {"operator_token"} | {f"{service}_{secret}" for secret in own}
        expected |= {"recipient_key"} if service != "verifier" else set()  # who is told learners' addresses
        assert names(compose["services"][service], "secrets") == expected
        database = names(compose["services"][f"{service}-db"], "secrets")
        assert database == {f"{service}_postgres_password", f"{service}_owner_password"}


def test_make_secrets_makes_what_compose_mounts_and_keeps_what_exists(compose: dict[str, Any], tmp_path: Path) -> None:
    directory = tmp_path / "secrets"
    command = [str(REPOSITORY / "deploy/make-secrets"), str(directory)]
    subprocess.run(command, check=True, capture_output=True)
    made = {path.name: path.read_text() for path in directory.iterdir()}
    assert made.keys() == compose["secrets"].keys()
    assert len(set(made.values())) == len(made)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o444}
    subprocess.run(command, check=True, capture_output=True)
    assert {path.name: path.read_text() for path in directory.iterdir()} == made


def test_files_mounted_into_containers_exist_and_can_be_read_by_any_user(compose: dict[str, Any]) -> None:
    for config in compose["configs"].values():
        path = REPOSITORY / config["file"]
        assert path.stat().st_mode & stat.S_IROTH, path


def test_an_image_runs_without_root_and_holds_its_own_service_alone() -> None:
    final = DOCKERFILE.split("FROM ${PYTHON}\n")[-1]
    assert re.findall(r"^USER (\S+)$", final, re.MULTILINE) == ["10001:10001"]
    copied = re.findall(r"^COPY (?!--from)(\S+)", final, re.MULTILINE)
    assert copied == ["deploy/healthcheck.py", "shared/", "services/__init__.py", "services/${SERVICE}/"]
    assert "--require-hashes" in DOCKERFILE
    assert re.search(r"^HEALTHCHECK .*CMD \[\"python\", \"/app/healthcheck.py\"\]$", final, re.MULTILINE)


def test_what_an_image_copies_is_not_ignored_and_secrets_are() -> None:
    ignored = (REPOSITORY / ".dockerignore").read_text().split("\n")
    assert ignored[0] == "*"
    assert set(filter(None, ignored[1:])) >= {
        "!shared",
        "!services",
        "!requirements/main.txt",
        "!deploy/healthcheck.py",
    }
    assert not any("secrets" in line for line in ignored)
