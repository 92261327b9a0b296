"""What the platform is told by its environment."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """`url` is where Laurel reaches the platform; `members` are the e-mail addresses by the names of the profiles."""

    client_id: str
    client_secret: str
    issuer: str
    registry: str
    verifier: str
    notifier: str
    host: str
    port: int
    url: str
    database: str
    members: Mapping[str, str]

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """From variables. Raises KeyError without LAUREL_CLIENT_ID and LAUREL_CLIENT_SECRET."""
        port = int(environment.get("PLATFORM_PORT", "9000"))
        pairs = (pair.partition("=") for pair in environment.get("PLATFORM_MEMBERS", "").split(",") if pair.strip())
        return cls(
            client_id=environment["LAUREL_CLIENT_ID"],
            client_secret=environment["LAUREL_CLIENT_SECRET"],
            issuer=environment.get("LAUREL_ISSUER_URL", "http://localhost:8001"),
            registry=environment.get("LAUREL_REGISTRY_URL", "http://localhost:8002"),
            verifier=environment.get("LAUREL_VERIFIER_URL", "http://localhost:8003"),
            notifier=environment.get("LAUREL_NOTIFIER_URL", "http://localhost:8004"),
            host=environment.get("PLATFORM_HOST", "127.0.0.1"),
            port=port,
            url=environment.get("PLATFORM_URL", f"http://127.0.0.1:{port}"),
            database=environment.get("PLATFORM_DATABASE", "platform.sqlite"),
            members={name.strip(): email.strip().lower() for name, _, email in pairs},
        )
