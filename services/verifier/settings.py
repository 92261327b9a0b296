"""The verifier's settings: those of every service, and where it may fetch from."""

from typing import Literal

from pydantic import Field

from shared.http.settings import ServiceSettings


class Settings(ServiceSettings):
    """Read by `Settings.load`."""

    port: int = Field(8003, ge=1, le=65535, description="Port to listen on.")
    outbound_allow_networks: str = Field(
        "",
        description="CIDRs besides public addresses that DID documents, status lists and schemas may be fetched"
        " from, by http and on any port too.",
    )
    contexts: str = Field(
        "",
        description="A folder of JSON-LD contexts to be known besides those shipped, with its manifest.json.",
    )
    schemas: str = Field(
        "",
        description="A folder of JSON Schemas that credentials name, used instead of fetching them,"
        " with its manifest.json.",
    )
    fetch_schemas: Literal["on", "off"] = Field(
        "on", description="`off` fetches no schemas: those in that folder are the only ones."
    )
