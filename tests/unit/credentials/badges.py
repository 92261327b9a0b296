"""A badge to take apart, and the key that signed it."""

from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.credentials import Cryptosuite, PrivateKey, build_open_badge, encode_multikey, sign, status_list_entry

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ECDSA_KEY = ec.derive_private_key(0x1234567890, ec.SECP384R1())
DID = "did:web:issuer.example:institutions:acme"
METHOD, ECDSA_METHOD = f"{DID}#key-1", f"{DID}#key-2"
KEYS = {METHOD: encode_multikey(KEY.public_key()), ECDSA_METHOD: encode_multikey(ECDSA_KEY.public_key())}
CREATED = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACHIEVEMENT: dict[str, Any] = {
    "id": "https://registry.example/achievements/1",
    "type": ["Achievement"],
    "name": "Python basics",
    "description": "Reads and writes small programs.",
    "criteria": {"narrative": "Passed the exam."},
}
EU_ELEMENTS: dict[str, Any] = {
    "learningOutcomes": [{"id": "https://data.europa.eu/esco/skill/1", "name": "writes programs"}],
    "workload": {"ects": 2.5, "hours": 60},
    "level": {"eqf": 5},
    "assessment": {"type": "written examination"},
    "participation": "online",
    "qualityAssurance": {"type": "accreditation", "url": "https://agency.example"},
}


def badge(**achievement: Any) -> dict[str, Any]:
    """An unsigned badge; keyword arguments go into its achievement."""
    return build_open_badge(
        credential_id="https://registry.example/credentials/1",
        issuer={"id": DID, "type": ["Profile"], "name": "Acme", "url": "https://acme.example"},
        achievement={**ACHIEVEMENT, **achievement},
        subject={"id": "did:example:learner"},
        valid_from=CREATED,
        status=[status_list_entry("https://issuer.example/status-lists/1", 94567, "revocation")],
    )


def key_for(suite: Cryptosuite) -> tuple[PrivateKey, str]:
    """The key that signs with a suite, and its verification method."""
    return (KEY, METHOD) if suite.startswith("eddsa") else (ECDSA_KEY, ECDSA_METHOD)


def signed(document: dict[str, Any] | None = None, suite: Cryptosuite = "eddsa-rdfc-2022") -> dict[str, Any]:
    """The badge, or `document`, signed."""
    key, method = key_for(suite)
    return sign(document or badge(), key=key, verification_method=method, cryptosuite=suite, created=CREATED)
