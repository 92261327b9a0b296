"""What the services are told when they are started."""

import sys

import pytest

from services.cli.deployment import (
    REPOSITORY,
    SERVICES,
    DatabaseUrls,
    Deployment,
    process_environment,
    service_command,
)
from services.cli.migrate import find_urls
from services.cli.output import UserError
from services.cli.ports import free_ports, require_free_ports

PORTS = {"issuer": 1, "registry": 2, "verifier": 3, "notifier": 4}


def deployment(**bus: str) -> Deployment:
    databases = {name: DatabaseUrls(app=f"app-{name}", owner=f"owner-{name}") for name in SERVICES}
    return Deployment(PORTS, databases, "token", "kek", "recipient key", extra={"LAUREL_UVLOOP": "off"}, **bus)


def test_every_service_knows_all_public_urls_and_its_own_database_only() -> None:
    environment = deployment(kafka="localhost:9092").environment("registry")
    assert environment["LAUREL_ISSUER_URL"] == "http://localhost:1"
    assert environment["LAUREL_NOTIFIER_URL"] == "http://localhost:4"
    assert environment["LAUREL_PORT"] == "2"
    assert environment["LAUREL_DATABASE_URL"] == "app-registry"
    assert environment["LAUREL_DATABASE_OWNER_URL"] == "owner-registry"
    assert environment["LAUREL_UVLOOP"] == "off"
    assert not any("app-issuer" in value for value in environment.values())


def test_the_key_of_learners_addresses_goes_to_those_who_need_it() -> None:
    known = {name for name in SERVICES if "LAUREL_RECIPIENT_KEY" in deployment(kafka="k:1").environment(name)}
    assert known == {"issuer", "registry", "notifier"}


def test_the_bus_is_kafka_or_the_embedded_one() -> None:
    kafka = deployment(kafka="localhost:9092").environment("issuer")
    embedded = deployment(bus_database_url="bus-url").environment("issuer")
    assert (kafka["LAUREL_BUS"], kafka["LAUREL_KAFKA"]) == ("kafka", "localhost:9092")
    assert (embedded["LAUREL_BUS"], embedded["LAUREL_BUS_DATABASE_URL"]) == ("embedded", "bus-url")
    assert "LAUREL_BUS_DATABASE_URL" not in kafka
    assert "LAUREL_KAFKA" not in embedded
    with pytest.raises(ValueError, match="Kafka's address or the embedded bus's database"):
        deployment().environment("issuer")


def test_our_packages_come_before_any_other_of_the_same_name() -> None:
    environment = process_environment({"LAUREL_PORT": "1"}, {"PYTHONPATH": "/elsewhere", "LAUREL_PORT": "2"})
    assert environment["PYTHONPATH"] == f"{REPOSITORY}:/elsewhere"
    assert environment["LAUREL_PORT"] == "1"
    assert service_command("issuer") == [sys.executable, "-m", "services.issuer.main"]


def test_free_ports_are_four_and_lie_below_those_given_to_outgoing_connections() -> None:
    ports = free_ports()
    require_free_ports(ports)
    assert len(set(ports.values())) == 4
    assert max(ports.values()) < 32768


@pytest.mark.parametrize(
    ("ports", "complaint"),
    [({**PORTS, "issuer": 2}, "a port of its own"), ({**PORTS, "issuer": 70000}, "70000 is not a port")],
)
def test_impossible_ports_are_refused(ports: dict[str, int], complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        require_free_ports(ports)


def test_migrate_takes_the_plain_variables_for_one_service_only() -> None:
    plain = {"LAUREL_DATABASE_URL": "app", "LAUREL_DATABASE_OWNER_URL": "owner"}
    own = {"LAUREL_ISSUER_DATABASE_URL": "app1", "LAUREL_ISSUER_DATABASE_OWNER_URL": "owner1"}
    assert find_urls("issuer", True, plain) == DatabaseUrls(app="app", owner="owner")
    assert find_urls("issuer", True, plain | own) == DatabaseUrls(app="app1", owner="owner1")
    with pytest.raises(UserError, match=r"set LAUREL_ISSUER_DATABASE_URL$"):
        find_urls("issuer", False, plain)
