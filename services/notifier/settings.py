"""The notifier's settings."""

from pydantic import Field, SecretStr, field_validator

from services.notifier.domain.delivery import Schedule
from shared.http.addresses import AddressPolicy
from shared.http.settings import ServiceSettings

# Ten tries over three days, as Standard Webhooks asks.
SCHEDULE = "5,300,1800,7200,18000,36000,50400,72000,86400"


class Settings(ServiceSettings):
    """What every service has, and how webhooks are delivered."""

    port: int = Field(8004, ge=1, le=65535, description="Port to listen on.")
    kek: SecretStr = Field(description="Key-encryption keys, `id:base64[,…]`, 32 bytes each; the first encrypts.")
    webhook_allow_networks: str = Field(
        "", description="CIDRs that webhooks may reach although they are private; http and any port are open there."
    )
    webhook_schedule: str = Field(SCHEDULE, description="Seconds to wait after each failed try, separated by commas.")
    webhook_timeout: float = Field(15, gt=0, le=60, description="Seconds for one attempt, the answer included.")
    webhook_require_challenge: bool = Field(
        False, description="Whether new and moved endpoints get nothing before they answered a signed challenge."
    )
    webhook_slots: int = Field(400, ge=1, description="Attempts in flight at once, over all endpoints.")
    webhook_retention_days: int = Field(90, ge=1, le=3650, description="Days that messages and attempts are kept.")
    streams: int = Field(1000, ge=1, description="Pulling requests held open at once by one process.")
    streams_each: int = Field(10, ge=1, description="How many of those one client may have.")

    @field_validator("webhook_allow_networks")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        AddressPolicy.parse(value)
        return value

    @field_validator("webhook_schedule")
    @classmethod
    def _is_schedule(cls, value: str) -> str:
        Schedule.parse(value)
        return value
