"""The issuer's settings: those of every service, and the key-encryption keys."""

from pydantic import Field, SecretStr

from shared.http.settings import RecipientSettings


class Settings(RecipientSettings):
    """Read by `Settings.load`."""

    port: int = Field(8001, ge=1, le=65535, description="Port to listen on.")
    kek: SecretStr = Field(
        min_length=1,
        description="Key-encryption keys, `id:base64[,id:base64…]`, 32 bytes each: the first encrypts, all decrypt.",
    )
    contexts: str = Field(
        "",
        description="A folder of JSON-LD contexts to be known besides those shipped, with its manifest.json.",
    )
