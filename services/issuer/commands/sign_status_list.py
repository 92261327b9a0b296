"""Status lists as everybody fetches them: signed, and signed again when a bit changed or the last signature ages."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import orjson

from services.issuer.commands.issuer_state import Signatory, load_signatory
from services.issuer.domain.addresses import Addresses
from services.issuer.store import institutions, status_lists
from services.issuer.store.status_lists import ListVersion
from shared.credentials import StatusList, build_status_list_credential, sign
from shared.credentials.sealing import Sealer
from shared.postgres.database import Database

VALID_FOR = timedelta(hours=36)
_REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class SignedList:
    """The document as bytes, and a tag that changes with them."""

    document: bytes
    tag: str


class StatusLists:
    """Signs lists on demand and remembers the last signature of each.

    A list is a pure function of its row, the institution's version and the half day, so that every process of the
    issuer gives the same bytes and the same tag.
    """

    def __init__(self, db: Database, sealer: Sealer, addresses: Addresses, clock: Callable[[], datetime]) -> None:
        self._db, self._sealer, self._addresses, self._clock = db, sealer, addresses, clock
        self._signed: OrderedDict[UUID, tuple[tuple[int, int, datetime], SignedList]] = OrderedDict()

    async def get(self, list_id: UUID) -> SignedList:
        """The list as it is now. Raises Unknown, Unavailable."""
        async with self._db.worker() as tx:
            found = await status_lists.version(tx, list_id)
            institution = await institutions.get(tx, found.institution_id)
            period = _period(self._clock())
            built_from = (found.version, institution.version, period)
            known = self._signed.get(list_id)
            if known is not None and known[0] == built_from:
                return known[1]
            found, bits = await status_lists.bits(tx, list_id)
            signatory = await load_signatory(tx, found.institution_id, self._sealer)
        signed = self._sign(found, bits, signatory, period)
        self._signed[list_id] = ((found.version, signatory.institution.version, period), signed)
        self._signed.move_to_end(list_id)
        while len(self._signed) > _REMEMBERED:
            self._signed.popitem(last=False)
        return signed

    def _sign(self, found: ListVersion, bits: bytes, signatory: Signatory, period: datetime) -> SignedList:
        signer = signatory.key_for("eddsa-rdfc-2022")
        created = max(period, found.updated_at, signer.key.activated_at)
        unsigned = build_status_list_credential(
            list_id=self._addresses.status_list(found.id),
            issuer=signatory.institution.did,
            purpose=found.purpose,
            status_list=StatusList(bits),
            valid_from=created,
            valid_until=created + VALID_FOR,
        )
        document = sign(
            unsigned,
            key=signer.private_key,
            verification_method=signer.key.verification_method,
            cryptosuite="eddsa-rdfc-2022",
            created=created,
        )
        raw = orjson.dumps(document)
        return SignedList(raw, hashlib.sha256(raw).hexdigest()[:32])


def _period(now: datetime) -> datetime:
    """The beginning of the half day that `now` is in."""
    return now.replace(hour=now.hour // 12 * 12, minute=0, second=0, microsecond=0)
