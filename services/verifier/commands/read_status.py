"""Find a credential's status: from our own copy first, then from the list its issuer publishes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from services.verifier.commands.fetch import Fetcher, FetchFailed
from services.verifier.commands.find_issuer import Issuers
from services.verifier.commands.memory import Batches, Flights, Memory
from services.verifier.domain.answer import Reason
from services.verifier.domain.checks import Bit
from services.verifier.domain.issuer import Issuer
from services.verifier.domain.presented import Entry, Presented
from services.verifier.domain.status_list import StatusListCopy, UnusableStatusList, check_list, look_up, read_list
from services.verifier.store import credentials
from services.verifier.store.credentials import KnownEntry, Position
from shared.postgres.database import Database

MAX_BYTES = 1024 * 1024
TIMEOUT_SECONDS = 2.0
_LISTS, _LIST_BYTES = 1000, 64 * 1024 * 1024
_FRESH, _FAILED_SECONDS = timedelta(seconds=30), 2.0
_LARGEST_POSITION = 2**31 - 1

Place = tuple[str, str]  # the list's URL and whose list it must be


@dataclass(frozen=True, slots=True)
class Found:
    """The bits of a document's entries, and the credential of ours they belong to, where they do."""

    bits: tuple[Bit, ...]
    credential_id: UUID | None = None
    institution_id: UUID | None = None


class Statuses:
    """What is known of status lists. Those below `home`, the issuer's, are asked for anew each time: they are near."""

    def __init__(
        self, db: Database, fetcher: Fetcher, issuers: Issuers, home: str, clock: Callable[[], datetime]
    ) -> None:
        self._db, self._fetcher, self._issuers, self._home, self._clock = db, fetcher, issuers, home, clock
        self._own: Batches[Position, KnownEntry] = Batches(self._ask)
        self._copies: Memory[Place, StatusListCopy] = Memory(_LISTS, _LIST_BYTES)
        self._failures: Memory[Place, Reason] = Memory(_LISTS)
        self._flights: Flights[Place, StatusListCopy | Reason] = Flights()

    async def read(self, presented: Presented, issuer: Issuer, client: str, *, may_fetch: bool) -> Found:
        """The bit of each entry. Nothing is fetched for a document whose proof is not sound (`may_fetch`).

        Raises TooManyFetches, Unavailable.
        """
        ours = await self._ours(presented.entries)
        bits = []
        for entry in presented.entries:
            known = ours.get((entry.status_list, entry.index))
            if known is not None:
                bits.append(_own_bit(entry, known, issuer))
            elif may_fetch:
                bits.append(await self._fetched_bit(entry, issuer, client))
            else:
                bits.append(_unknown(entry, "STATUS_RETRIEVAL_ERROR", "The status was not looked up."))
        owner = next(iter(ours.values()), None)
        if owner is None:
            return Found(tuple(bits))
        return Found(tuple(bits), owner.credential_id, owner.institution_id)

    async def _ours(self, entries: tuple[Entry, ...]) -> dict[Position, KnownEntry]:
        positions = [(entry.status_list, entry.index) for entry in entries if entry.index <= _LARGEST_POSITION]
        return await self._own.get(positions) if positions else {}

    async def _ask(self, positions: Sequence[Position]) -> Mapping[Position, KnownEntry]:
        async with self._db.worker_connection() as connection:
            return await credentials.entries(connection, positions)

    async def _fetched_bit(self, entry: Entry, issuer: Issuer, client: str) -> Bit:
        place = (entry.status_list, issuer.did)
        copy = self._copies.get(place)
        late = False
        fresh = timedelta(0) if self._is_near(place) else _FRESH
        if copy is None or self._clock() - copy.fetched_at > min(fresh, copy.ttl):
            fetched = await self._fetch(place, issuer, client)
            if isinstance(fetched, Reason) and copy is None:
                return Bit(entry, None, "", fetched)
            late = isinstance(fetched, Reason)
            copy = fetched if isinstance(fetched, StatusListCopy) else copy
        assert copy is not None
        try:
            return Bit(entry, look_up(copy, entry), _source(copy, late))
        except UnusableStatusList as error:
            return Bit(entry, None, "", error.reason)

    async def _fetch(self, place: Place, issuer: Issuer, client: str) -> StatusListCopy | Reason:
        failure = self._failures.get(place)
        if failure is not None:
            return failure
        if not self._flights.has(place) and not self._is_near(place):
            self._fetcher.spend(client)
        return await self._flights.join(place, lambda: self._fetch_now(place, issuer))

    def _is_near(self, place: Place) -> bool:
        return place[0].startswith(f"{self._home}/")

    async def _fetch_now(self, place: Place, issuer: Issuer) -> StatusListCopy | Reason:
        url, known = place[0], self._copies.get(place)
        etag = known.etag_at(self._clock()) if known else None
        try:
            fetched = await self._fetcher.credential(url, timeout=TIMEOUT_SECONDS, max_bytes=MAX_BYTES, etag=etag)
            if fetched.document is None and known is not None:
                return self._keep(place, replace(known, fetched_at=self._clock()))
            presented = read_list(fetched.document)
            issuer = await self._same_institution(presented.issuer, issuer)
            keys = {name: key.public_key_multibase for name, key in issuer.keys.items() if key.compromised_at is None}
            copy = replace(check_list(presented, url, issuer.did, keys, self._clock()), etag=fetched.etag)
        except FetchFailed as error:
            return self._failed(place, Reason("STATUS_RETRIEVAL_ERROR", f"The status list cannot be fetched: {error}."))
        except UnusableStatusList as error:
            return self._failed(place, error.reason)
        return self._keep(place, copy)

    def _keep(self, place: Place, copy: StatusListCopy) -> StatusListCopy:
        self._copies.put(place, copy, copy.ttl.total_seconds(), copy.bits.size // 8)
        return copy

    async def _same_institution(self, named: str | None, issuer: Issuer) -> Issuer:
        """Who has to have signed the list: the credential's issuer, by whichever of an institution's names."""
        if issuer.institution_id is None or named is None or named == issuer.did:
            return issuer
        other = await self._issuers.registered(named)
        return other if other is not None and other.institution_id == issuer.institution_id else issuer

    def _failed(self, place: Place, reason: Reason) -> Reason:
        self._failures.put(place, reason, _FAILED_SECONDS)
        return reason


def _own_bit(entry: Entry, known: KnownEntry, issuer: Issuer) -> Bit:
    if known.purpose != entry.purpose:
        return _unknown(entry, "STATUS_VERIFICATION_ERROR", "The status list is for another purpose than the entry.")
    if known.institution_id != issuer.institution_id:
        return _unknown(entry, "STATUS_VERIFICATION_ERROR", "The status list is another issuer's.")
    return Bit(entry, int(known.is_set), "")


def _unknown(entry: Entry, code: str, detail: str) -> Bit:
    return Bit(entry, None, "", Reason(code, detail))


def _source(copy: StatusListCopy, late: bool) -> str:
    source = f"As of the issuer's list at {copy.fetched_at:%Y-%m-%d %H:%M:%S} UTC."
    return f"{source} It cannot be fetched just now." if late else source
