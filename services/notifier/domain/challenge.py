"""A signed challenge, by which an endpoint shows that it wants to hear us: it answers with what it was sent."""

import hmac
import secrets
from datetime import datetime
from uuid import UUID

import orjson

from services.notifier.domain.content import body_around

TYPE = "endpoint.challenge"
COOL_DOWN_SECONDS = 5


def new_challenge() -> str:
    """What nobody can guess."""
    return secrets.token_urlsafe(32)


def challenge_body(endpoint_id: UUID, challenge: str, at: datetime) -> bytes:
    """The Standard Webhooks body that carries it, whatever the endpoint's format is."""
    return body_around(TYPE, at, orjson.dumps({"endpoint_id": str(endpoint_id), "challenge": challenge}))


def is_answered(challenge: str, answer: bytes) -> bool:
    """Whether the answer's body is a JSON object with that `challenge`."""
    try:
        given = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return False
    text = given.get("challenge") if isinstance(given, dict) else None
    return isinstance(text, str) and hmac.compare_digest(text.encode(), challenge.encode())
