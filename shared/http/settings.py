"""Settings that every service has. Read from `LAUREL_…` variables, or from files of those names in lower case in the
folder `LAUREL_SECRETS_DIR` (as container secrets are mounted)."""

import os
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.credentials.sealing import Sealer, UnusableKek
from shared.postgres.database import DatabaseSettings


class ServiceSettings(BaseSettings):
    """A subclass adds its own and overrides `port`. A missing or malformed one stops the start with its name."""

    model_config = SettingsConfigDict(env_prefix="LAUREL_", extra="ignore")

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(ge=1, le=65535, description="Port to listen on.")
    database_url: SecretStr = Field(description="PostgreSQL URL of the application's login, which owns nothing.")
    database_owner_url: SecretStr = Field(description="PostgreSQL URL of the owner, used by migrations alone.")
    database_pool: int = Field(10, ge=1, description="Connections of each of the two pools.")
    bus: Literal["embedded", "kafka"] = Field("kafka", description="Which bus carries the events.")
    kafka: str = Field("localhost:9092", description="Bootstrap address of Kafka, HOST:PORT[,HOST:PORT].")
    kafka_replication: int = Field(1, ge=1, description="Replication factor of topics made at start.")
    bus_database_url: SecretStr = Field(SecretStr(""), description="PostgreSQL URL of the embedded bus.")
    issuer_url: str = Field("http://localhost:8001", description="Public base URL of the issuer.")
    registry_url: str = Field("http://localhost:8002", description="Public base URL of the registry.")
    verifier_url: str = Field("http://localhost:8003", description="Public base URL of the verifier.")
    notifier_url: str = Field("http://localhost:8004", description="Public base URL of the notifier.")
    jwks_url: str = Field("", description="Key set of the token issuer; the issuer's own by default.")
    token_issuer: str = Field("", description="`iss` of access tokens; the issuer's public URL by default.")
    operator_token: SecretStr = Field(min_length=16, description="The operator's bearer token.")
    otlp_endpoint: str | None = Field(None, description="OTLP/HTTP base URL that spans are sent to; none by default.")
    log_level: str = Field("info", description="debug, info, warning or error.")
    rate_limit: float = Field(3000, ge=0, description="Requests a second for each client; 0 is no limit.")
    uvloop: Literal["auto", "off"] = Field("auto", description="`off` uses asyncio's own loop.")
    instance: str = Field("1", description="Name of this replica, kept over restarts; different for each replica.")

    @classmethod
    def load(cls, service: str) -> Self:
        """Read the environment. Settings that cannot be used end the process with a sentence, not a traceback."""
        try:
            return cls(_secrets_dir=os.environ.get("LAUREL_SECRETS_DIR"))
        except ValidationError as error:
            wrong = "; ".join(f"LAUREL_{str(one['loc'][0]).upper()}: {one['msg']}" for one in error.errors())
            raise SystemExit(f"{service}: the settings cannot be used: {wrong}") from None

    @property
    def database(self) -> DatabaseSettings:
        """For `Database.open`."""
        return DatabaseSettings(
            url=self.database_url.get_secret_value(),
            owner_url=self.database_owner_url.get_secret_value(),
            pool_size=self.database_pool,
        )

    @property
    def key_set_url(self) -> str:
        """Where token keys are fetched."""
        return self.jwks_url or f"{self.issuer_url.rstrip('/')}/.well-known/jwks.json"

    @property
    def expected_issuer(self) -> str:
        """The `iss` that tokens must have."""
        return self.token_issuer or self.issuer_url


class RecipientSettings(ServiceSettings):
    """For services that seal or open what events say of learners (shared/events/sealed_text.py)."""

    recipient_key: SecretStr = Field(
        min_length=1,
        description="Keys that learners' addresses and claim links travel under in events, written as `LAUREL_KEK`.",
    )

    @field_validator("recipient_key")
    @classmethod
    def _is_usable(cls, value: SecretStr) -> SecretStr:
        try:
            Sealer.from_text(value.get_secret_value())
        except UnusableKek as error:
            raise ValueError(str(error)) from None
        return value

    @property
    def recipients(self) -> Sealer:
        """What seals with the first of the keys and opens with any."""
        return Sealer.from_text(self.recipient_key.get_secret_value())
