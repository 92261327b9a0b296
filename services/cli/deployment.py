"""What the four services of one installation are told: ports, databases, bus and the secrets they share."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

SERVICES: Mapping[str, int] = {"issuer": 8001, "registry": 8002, "verifier": 8003, "notifier": 8004}
KNOW_RECIPIENTS = ("issuer", "registry", "notifier")
REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """`app` is the login a service works with and owns nothing; `owner` runs the migrations."""

    app: str
    owner: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """Four services that belong together.

    Exactly one of `kafka` (HOST:PORT) and `bus_database_url` is given; it decides the bus. `extra` holds further
    LAUREL_ variables, for every service.
    """

    ports: Mapping[str, int]
    databases: Mapping[str, DatabaseUrls]
    operator_token: str
    kek: str
    recipient_key: str
    kafka: str | None = None
    bus_database_url: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)

    def url(self, service: str) -> str:
        """The public base URL of a service; it follows the port."""
        return f"http://localhost:{self.ports[service]}"

    def urls(self) -> dict[str, str]:
        """All four base URLs, by service."""
        return {service: self.url(service) for service in SERVICES}

    def environment(self, service: str) -> dict[str, str]:
        """The LAUREL_ variables of one service."""
        return {
            "LAUREL_HOST": "127.0.0.1",
            "LAUREL_PORT": str(self.ports[service]),
            "LAUREL_DATABASE_URL": self.databases[service].app,
            "LAUREL_DATABASE_OWNER_URL": self.databases[service].owner,
            "LAUREL_OPERATOR_TOKEN": self.operator_token,
            "LAUREL_KEK": self.kek,
            **({"LAUREL_RECIPIENT_KEY": self.recipient_key} if service in KNOW_RECIPIENTS else {}),
            **{f"LAUREL_{name.upper()}_URL": url for name, url in self.urls().items()},
            **self._bus(),
            **self.extra,
        }

    def _bus(self) -> dict[str, str]:
        if self.kafka is not None:
            return {"LAUREL_BUS": "kafka", "LAUREL_KAFKA": self.kafka}
        if self.bus_database_url is None:
            raise ValueError("a deployment needs Kafka's address or the embedded bus's database")
        return {"LAUREL_BUS": "embedded", "LAUREL_BUS_DATABASE_URL": self.bus_database_url}


def service_command(service: str) -> list[str]:
    """How a service is started, here and in its image."""
    return [sys.executable, "-m", f"services.{service}.main"]


def process_environment(laurel: Mapping[str, str], inherited: Mapping[str, str]) -> dict[str, str]:
    """`inherited` with `laurel` over it and the repository first on PYTHONPATH, so that ours is what is imported."""
    paths = [str(REPOSITORY), *filter(None, [inherited.get("PYTHONPATH")])]
    return {**inherited, **laurel, "PYTHONPATH": ":".join(paths)}
