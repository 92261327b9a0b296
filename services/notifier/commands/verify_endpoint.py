"""Verify an endpoint by a signed challenge. No transaction is open while the endpoint is asked."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from services.notifier.domain.challenge import COOL_DOWN_SECONDS, challenge_body, is_answered, new_challenge
from services.notifier.domain.content import message_id
from services.notifier.domain.endpoint import Endpoint
from services.notifier.domain.errors import ChallengedTooOften, ChallengeFailed, Stale, Unknown
from services.notifier.domain.rendering import JSON
from services.notifier.domain.signature import headers
from services.notifier.store import endpoints, secrets
from services.notifier.store.secrets import Carried
from shared.credentials.sealing import Sealer
from shared.http.outbound import OutboundClient, OutboundError
from shared.postgres.database import Database

ANSWER_BYTES = 4096


async def verify_endpoint(
    db: Database,
    institution_id: UUID,
    endpoint_id: UUID,
    *,
    client: OutboundClient,
    timeout: float,
    sealer: Sealer,
    clock: Callable[[], datetime],
) -> Endpoint:
    """Send a challenge and, when it comes back, let the endpoint have what waits for it.

    Raises Unknown, ChallengedTooOften, ChallengeFailed, and Stale when it was changed meanwhile.
    """
    async with db.tenant(institution_id) as tx:
        endpoint = await endpoints.get(tx, endpoint_id)
        if endpoint is None:
            raise Unknown("there is no such endpoint")
        if not await endpoints.note_challenge(tx, endpoint_id, COOL_DOWN_SECONDS):
            raise ChallengedTooOften("it was challenged a moment ago", retry_after=COOL_DOWN_SECONDS)
        found, _ = await secrets.load(tx, [endpoint_id], sealer)
    await _ask(endpoint, found.get(endpoint_id, Carried()), client, timeout, clock())
    async with db.tenant(institution_id) as tx:
        if not await endpoints.verified(tx, endpoint, clock()):
            raise Stale("the endpoint was changed meanwhile; fetch it again")
        verified = await endpoints.get(tx, endpoint_id)
    assert verified is not None
    return verified


async def _ask(endpoint: Endpoint, carried: Carried, client: OutboundClient, timeout: float, now: datetime) -> None:
    """Raises ChallengeFailed."""
    keys = carried.valid(now)
    if not keys:
        raise ChallengeFailed("the endpoint's secret cannot be read")
    challenge = new_challenge()
    body = challenge_body(endpoint.id, challenge, now)
    signed = {**carried.headers, "content-type": JSON, **headers(message_id(), int(now.timestamp()), body, keys)}
    try:
        answer = await client.post(endpoint.url, body, signed, timeout=timeout, keep=ANSWER_BYTES)
    except OutboundError as error:
        raise ChallengeFailed(f"no answer came: {error.code}") from None
    if not 200 <= answer.status < 300:
        raise ChallengeFailed(f"the answer's status was {answer.status}")
    if not is_answered(challenge, answer.body):
        raise ChallengeFailed("the answer's body does not hold the challenge")
