"""A badge to take apart, and the key that signed it."""

from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.credentials import Cryptosuite, build_open_badge, encode_ed25519_public, sign, status_list_entry

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
DID = "did:web:issuer.example:institutions:acme"
METHOD = f"{DID}#key-1"
KEYS = {METHOD: encode_ed25519_public(KEY.public_key().public_bytes_raw())}
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


def signed(document: dict[str, Any] | None = None, suite: Cryptosuite = "eddsa-rdfc-2022") -> dict[str, Any]:
    """The badge, or `document`, signed."""
    return sign(document or badge(), key=KEY, verification_method=METHOD, cryptosuite=suite, created=CREATED)
