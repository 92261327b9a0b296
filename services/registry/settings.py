"""The registry's settings."""

from pydantic import Field

from shared.http.settings import RecipientSettings


class Settings(RecipientSettings):
    """What every service has, on the registry's port."""

    port: int = Field(8002, ge=1, le=65535, description="Port to listen on.")
