"""A status list that was fetched: whether it may be believed, and the bit it holds (Bitstring Status List 1.0, 3.2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.verifier.domain.answer import Reason
from services.verifier.domain.checks import verify_all
from services.verifier.domain.presented import Entry, Presented, read
from shared.credentials import (
    MIN_ENTRIES,
    ProofError,
    StatusList,
    StatusListError,
    check_structure,
    many,
    unpack_list,
)

MAX_BYTES = 1024 * 1024
DEFAULT_TTL = timedelta(minutes=5)
MAX_TTL = timedelta(hours=24)
_TYPE = "BitstringStatusListCredential"


class UnusableStatusList(Exception):
    """The list cannot be believed or read; `reason` says why in the specification's words."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.reason = Reason(code, detail)


@dataclass(frozen=True, slots=True)
class StatusListCopy:
    """A list as it was at `fetched_at`, good for `ttl`."""

    url: str
    issuer: str
    purposes: frozenset[str]
    bits: StatusList
    ttl: timedelta
    fetched_at: datetime
    valid_until: datetime | None = None
    etag: str | None = None

    def etag_at(self, now: datetime) -> str | None:
        """By what to ask whether it is still the same; None for one that must be another by now."""
        return self.etag if self.valid_until is None or now <= self.valid_until else None


def read_list(document: Any) -> Presented:
    """What a fetched list credential claims, by itself or in a token. Raises UnusableStatusList."""
    if not isinstance(document, Mapping):
        raise UnusableStatusList("STATUS_VERIFICATION_ERROR", "the status list is not a JSON object")
    presented = read(document)
    if presented.trouble is not None:
        detail = f"the status list's token: {presented.trouble.detail}"
        raise UnusableStatusList("STATUS_VERIFICATION_ERROR", detail)
    return presented


def check_list(presented: Presented, url: str, issuer: str, keys: Mapping[str, str], now: datetime) -> StatusListCopy:
    """Check a list credential and unpack it. `keys` are the issuer's. Raises UnusableStatusList."""
    _check_claims(presented, url, issuer, keys, now)
    try:
        verify_all(presented, keys, "assertionMethod")
    except ProofError as error:
        raise UnusableStatusList("STATUS_VERIFICATION_ERROR", f"the status list's proof: {error.detail}") from error
    subject = presented.document.get("credentialSubject")
    if not isinstance(subject, Mapping):
        raise UnusableStatusList("MALFORMED_VALUE_ERROR", "the status list has no subject, or several")
    bits = _unpack(subject)
    if findings := check_structure(presented.document):
        raise UnusableStatusList("MALFORMED_VALUE_ERROR", f"the status list: {findings[0].detail}")
    purposes = frozenset(many(subject["statusPurpose"]))
    return StatusListCopy(url, issuer, purposes, bits, _ttl(subject), now, presented.valid_until)


def look_up(copy: StatusListCopy, entry: Entry) -> int:
    """The entry's bit, or of a message the number that its bits make. Raises UnusableStatusList."""
    if entry.purpose not in copy.purposes:
        raise UnusableStatusList("STATUS_VERIFICATION_ERROR", "the status list is for another purpose than the entry")
    if copy.bits.size // entry.bits < MIN_ENTRIES:
        raise UnusableStatusList("STATUS_LIST_LENGTH_ERROR", f"the status list has fewer than {MIN_ENTRIES} entries")
    if (entry.index + 1) * entry.bits > copy.bits.size:
        raise UnusableStatusList("RANGE_ERROR", "the entry lies outside the status list")
    return copy.bits.value(entry.index, entry.bits)


def _check_claims(presented: Presented, url: str, issuer: str, keys: Mapping[str, str], now: datetime) -> None:
    wrong = None
    if _TYPE not in many(presented.document.get("type")):
        wrong = "what is there is not a status list"
    elif presented.issuer != issuer:
        wrong = "the status list is another issuer's"
    elif presented.id is not None and presented.id != url:
        wrong = "the status list has another address than the entry says"
    elif not presented.proofs or any(claim.verification_method not in keys for claim in presented.proofs):
        wrong = "the status list is not signed with a key of the issuer"
    elif presented.bad_date is not None or (presented.valid_until is not None and now > presented.valid_until):
        wrong = "the status list is out of date"
    elif any(claim.expires is not None and now > claim.expires for claim in presented.proofs):
        wrong = "the time that the status list's proof was made for is over"
    elif presented.valid_from is not None and now + timedelta(seconds=60) < presented.valid_from:
        wrong = "the status list is not valid yet"
    if wrong:
        raise UnusableStatusList("STATUS_VERIFICATION_ERROR", wrong)


def _unpack(subject: Mapping[str, Any]) -> StatusList:
    try:
        return unpack_list(subject, MAX_BYTES)
    except StatusListError as error:
        raise UnusableStatusList(error.code, error.detail) from error


def _ttl(subject: Mapping[str, Any]) -> timedelta:
    if "ttl" not in subject:
        return DEFAULT_TTL
    return min(timedelta(milliseconds=min(subject["ttl"], 10**12)), MAX_TTL)
