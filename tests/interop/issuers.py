"""Issuers by did:key, whose keys either side may be given."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.verifier.domain.did_document import did_key
from shared.credentials import (
    Algorithm,
    Cryptosuite,
    PrivateKey,
    encode_base64url,
    encode_jwk,
    encode_multikey,
    generate,
    sign,
    verify_proof,
)
from shared.credentials.times import timestamp

CREATED = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW = timestamp(CREATED)
SUITES: dict[str, tuple[Cryptosuite, Algorithm]] = {
    "eddsa-rdfc-2022": ("eddsa-rdfc-2022", "Ed25519"),
    "eddsa-jcs-2022": ("eddsa-jcs-2022", "Ed25519"),
    "ecdsa-rdfc-2019 P-256": ("ecdsa-rdfc-2019", "P-256"),
    "ecdsa-rdfc-2019 P-384": ("ecdsa-rdfc-2019", "P-384"),
    "ecdsa-jcs-2019 P-256": ("ecdsa-jcs-2019", "P-256"),
    "ecdsa-jcs-2019 P-384": ("ecdsa-jcs-2019", "P-384"),
}
_WIDTHS: dict[Algorithm, int] = {"P-256": 32, "P-384": 48}


@dataclass(frozen=True)
class Issuer:
    """A key, and the names that follow from it."""

    key: PrivateKey

    @classmethod
    def new(cls, algorithm: Algorithm) -> "Issuer":
        """An issuer with a key made now."""
        return cls(generate(algorithm))

    @property
    def multikey(self) -> str:
        """The public key."""
        return encode_multikey(self.key.public_key())

    @property
    def did(self) -> str:
        """The did:key."""
        return f"did:key:{self.multikey}"

    @property
    def method(self) -> str:
        """The one verification method."""
        return f"{self.did}#{self.multikey}"

    @property
    def jwk(self) -> dict[str, str]:
        """The private key as a JWK, for the other side to sign with."""
        if isinstance(self.key, Ed25519PrivateKey):
            secret = self.key.private_bytes_raw()
        else:
            public = encode_jwk(self.key.public_key())
            secret = self.key.private_numbers().private_value.to_bytes(_WIDTHS[public["crv"]])  # type: ignore[index]
        return {**encode_jwk(self.key.public_key()), "d": encode_base64url(secret)}

    def sign(self, document: dict[str, Any], suite: Cryptosuite) -> dict[str, Any]:
        """The document signed by our library."""
        return sign(document, key=self.key, verification_method=self.method, cryptosuite=suite, created=CREATED)


def verify(document: dict[str, Any]) -> None:
    """Verify by our library with the keys of the document's issuer, who is a did:key. Raises ProofError."""
    issuer = document["issuer"]
    verify_proof(document, did_key(issuer if isinstance(issuer, str) else issuer["id"]))
