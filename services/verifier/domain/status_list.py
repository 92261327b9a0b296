"""A status list that was fetched: whether it may be believed, and the bit it holds (Bitstring Status List 1.0, 3.2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.verifier.domain.answer import Reason
from services.verifier.domain.checks import verify_all
from services.verifier.domain.presented import Entry, Presented, read
from shared.credentials import MIN_ENTRIES, ProofError, StatusList, StatusListError, many

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
        raise UnusableStatusList("MALFORMED_VALUE_ERROR", "the status list has no subject")
    purposes = frozenset(value for value in many(subject.get("statusPurpose")) if isinstance(value, str))
    return StatusListCopy(url, issuer, purposes, _unpack(subject.get("encodedList")), _ttl(subject), now)


def look_up(copy: StatusListCopy, entry: Entry) -> int:
    """The entry's bit, or of a message the number that its bits make. Raises UnusableStatusList."""
    if entry.purpose not in copy.purposes:
        raise UnusableStatusList("STATUS_VERIFICATION_ERROR", "the status list is for another purpose than the entry")
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


def _unpack(encoded: Any) -> StatusList:
    if not isinstance(encoded, str):
        raise UnusableStatusList("MALFORMED_VALUE_ERROR", "the status list has no encodedList")
    try:
        bits = StatusList.decode(encoded, MAX_BYTES)
    except StatusListError as error:
        raise UnusableStatusList(error.code, error.detail) from error
    if bits.size < MIN_ENTRIES:
        raise UnusableStatusList("STATUS_LIST_LENGTH_ERROR", f"the status list has fewer than {MIN_ENTRIES} entries")
    return bits


def _ttl(subject: Mapping[str, Any]) -> timedelta:
    milliseconds = subject.get("ttl")
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float) or milliseconds < 0:
        return DEFAULT_TTL
    return min(timedelta(milliseconds=min(milliseconds, 10**12)), MAX_TTL)
