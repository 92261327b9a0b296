"""Change an institution's signing key, in good order or because it leaked."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from services.issuer.commands import announce
from services.issuer.commands.activate_key import activate_key
from services.issuer.domain import signing_key as rules
from services.issuer.domain.errors import WrongState
from services.issuer.domain.institution import Institution, bump, require_active
from services.issuer.domain.signing_key import SigningKey
from services.issuer.store import credentials, institutions, signing_keys
from shared.credentials import Algorithm
from shared.credentials.sealing import Sealer
from shared.outbox import outbox
from shared.postgres.database import Transaction

Clock = Callable[[], datetime]


async def add_key(
    tx: Transaction, institution_id: UUID, algorithm: Algorithm, *, sealer: Sealer, clock: Clock
) -> SigningKey:
    """Give the institution its first key of an algorithm. Raises Unknown, InstitutionIsSuspended, WrongState."""
    institution = await institutions.lock(tx, institution_id)
    require_active(institution)
    if any(key.algorithm == algorithm for key in await signing_keys.active(tx, institution_id)):
        raise WrongState(f"The institution has an active {algorithm} key; rotate it to have a new one.")
    return await _succeed(tx, institution, algorithm, sealer=sealer, now=clock())


async def rotate_key(
    tx: Transaction, institution_id: UUID, algorithm: Algorithm, *, sealer: Sealer, clock: Clock
) -> SigningKey:
    """Retire the active key of an algorithm and activate a new one, which is given.

    Raises Unknown, InstitutionIsSuspended, WrongState.

    The time is taken under the institution's lock, when no credential is being issued, so whatever the old key signed
    was signed before `retired_at`.
    """
    institution = await institutions.lock(tx, institution_id)
    require_active(institution)
    now = await _time_after_last_issue(tx, institution_id, clock)
    active = await signing_keys.active(tx, institution_id)
    old = next((key for key in active if key.algorithm == algorithm), None)
    if old is None:
        raise WrongState(f"The institution has no {algorithm} key.")
    institution = bump(institution, now)
    retired = rules.retire(old, now, institution.version)
    await signing_keys.save(tx, retired)
    await outbox.append(tx, announce.key_retired(retired), at=now)
    return await _succeed(tx, institution, algorithm, sealer=sealer, now=now)


async def compromise_key(
    tx: Transaction, key_id: UUID, since: datetime | None, reason: str, *, sealer: Sealer, clock: Clock
) -> SigningKey:
    """Declare that others may hold the key: what it signed from `since` on (now by default) is not to be believed.

    The active key gets a successor at once. Gives the compromised key. Raises Unknown, WrongState, Invalid.
    """
    institution = await institutions.lock(tx, (await signing_keys.get(tx, key_id)).institution_id)
    key = await signing_keys.get(tx, key_id)
    now = await _time_after_last_issue(tx, institution.id, clock)
    institution = bump(institution, now)
    compromised = rules.compromise(key, since or now, reason, now, institution.version)
    await signing_keys.save(tx, compromised)
    await outbox.append(tx, announce.key_compromised(compromised), at=now)
    if key.state == "active":
        await _succeed(tx, institution, key.algorithm, sealer=sealer, now=now)
    else:
        await institutions.save(tx, institution)
    return compromised


async def _succeed(
    tx: Transaction, institution: Institution, algorithm: Algorithm, *, sealer: Sealer, now: datetime
) -> SigningKey:
    institution = bump(institution, now)
    number = len(await signing_keys.of_institutions(tx, [institution.id])) + 1
    key = await activate_key(tx, institution, number, algorithm, sealer=sealer, now=now)
    await institutions.save(tx, institution)
    return key


async def _time_after_last_issue(tx: Transaction, institution_id: UUID, clock: Clock) -> datetime:
    """Now, or the time of the last credential where the clock of the process that signed it runs ahead of ours."""
    last = await credentials.last_issued_at(tx, institution_id)
    now = clock()
    return now if last is None else max(now, last)
