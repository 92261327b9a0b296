"""The notifier's settings."""

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from services.notifier.domain.delivery import Schedule
from services.notifier.domain.mail_server import MailServer
from services.notifier.domain.mailbox import Mailbox, UnusableAddress
from shared.http.addresses import AddressPolicy
from shared.http.settings import RecipientSettings

# Ten tries over three days, as Standard Webhooks asks.
SCHEDULE = "5,300,1800,7200,18000,36000,50400,72000,86400"
# Ten tries over two days; a greylisting server takes the second or third.
MAIL_SCHEDULE = "60,300,900,3600,7200,14400,28800,43200,72000"


class Settings(RecipientSettings):
    """What every service has, how webhooks are delivered, and how letters are sent."""

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
    webhook_slots: int = Field(
        400, ge=1, description="Attempts in flight at once over all endpoints, and four times as many that are slow."
    )
    webhook_endpoints_each: int = Field(500, ge=1, description="Endpoints that one institution or platform may have.")
    webhook_retention_days: int = Field(90, ge=1, le=3650, description="Days that messages and attempts are kept.")
    streams: int = Field(1000, ge=1, description="Pulling requests held open at once by one process.")
    streams_each: int = Field(10, ge=1, description="How many of those one client may have.")
    smtp_url: SecretStr = Field(
        SecretStr(""), description="Mail server, smtp://[user:password@]host[:port] (STARTTLS) or smtps://…."
    )
    mail_dir: str = Field("", description="Folder that letters are written to as .eml files where there is no server.")
    mail_from: str = Field(
        "", description="Address that letters come from; needed with a mail server.", validate_default=True
    )
    mail_bounces: str = Field("", description="Mailbox for what cannot be delivered, as bounces+<letter>@….")
    mail_rate: float = Field(600, ge=0, description="Letters a minute from this process; 0 is no limit.")
    mail_timeout: float = Field(60, gt=0, le=600, description="Seconds for one letter, connecting included.")
    mail_schedule: str = Field(MAIL_SCHEDULE, description="Seconds to wait after each failed try, separated by commas.")

    @field_validator("webhook_allow_networks")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        AddressPolicy.parse(value)
        return value

    @field_validator("webhook_schedule", "mail_schedule")
    @classmethod
    def _is_schedule(cls, value: str) -> str:
        Schedule.parse(value)
        return value

    @field_validator("smtp_url")
    @classmethod
    def _is_server(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            MailServer.parse(value.get_secret_value())
        return value

    @field_validator("mail_from", "mail_bounces")
    @classmethod
    def _is_address(cls, value: str, info: ValidationInfo) -> str:
        if value:
            try:
                Mailbox.of(value)
            except UnusableAddress as error:
                raise ValueError(str(error)) from None
        elif info.field_name == "mail_from" and info.data.get("smtp_url", SecretStr("")).get_secret_value():
            raise ValueError("is needed with LAUREL_SMTP_URL")
        return value
