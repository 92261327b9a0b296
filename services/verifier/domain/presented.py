"""What a document claims, read without believing any of it. Reading never fails: what is missing is None."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from services.verifier.domain.answer import Reason
from shared.credentials import (
    CREDENTIALS_V1,
    JCS_SUITES,
    EnvelopeKind,
    ProofError,
    Token,
    base_context,
    is_enveloped,
    many,
    open_envelope,
    read_seconds,
    read_timestamp,
)

_ENTRY = "BitstringStatusListEntry"
_MOST_ENTRIES = 10
_MOST_BITS = 32
_DATES = {CREDENTIALS_V1: ("issuanceDate", "expirationDate")}
_VOIDING = frozenset({"revocation", "suspension"})
_INDEX = re.compile(r"-?[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class ProofClaim:
    """Who a proof says made it, when, and until when it is good."""

    verification_method: str | None
    created: datetime | None
    expires: datetime | None = None

    @property
    def controller(self) -> str | None:
        """The DID that the verification method is part of."""
        return self.verification_method.partition("#")[0] if self.verification_method else None


@dataclass(frozen=True, slots=True)
class Entry:
    """One position the credential claims in a status list."""

    purpose: str
    status_list: str
    index: int
    bits: int = 1

    @property
    def voids(self) -> bool:
        """Whether it can void the credential; any other purpose only informs (Bitstring Status List 1.0, 2.1)."""
        return self.purpose in _VOIDING


@dataclass(frozen=True, slots=True)
class Presented:
    """A document's claims. `token` is what it was in, where it was enveloped; `trouble` why that cannot be read.

    `faults` are status entries that cannot be read; `bad_date` names a date that cannot."""

    document: Mapping[str, Any]
    id: str | None
    issuer: str | None
    proofs: tuple[ProofClaim, ...]
    valid_from: datetime | None
    valid_until: datetime | None
    bad_date: str | None
    entries: tuple[Entry, ...]
    faults: tuple[Reason, ...]
    token: Token | None = None
    trouble: Reason | None = None

    @property
    def achievement(self) -> Mapping[str, Any]:
        """What was earned (Open Badges 3.0, Achievement), as the first subject has it; empty where there is none."""
        subject = next(iter(many(self.document.get("credentialSubject"))), None)
        found = subject.get("achievement") if isinstance(subject, Mapping) else None
        return found if isinstance(found, Mapping) else {}

    @property
    def methods(self) -> tuple[str, ...]:
        """The verification methods named."""
        return tuple(proof.verification_method for proof in self.proofs if proof.verification_method)

    def has_keys(self, keys: Mapping[str, str]) -> bool:
        """Whether `keys` has each that is named; a token has to name one, a proof without is malformed."""
        token = self.token
        return all(method in keys for method in self.methods) and (token is None or token.verification_method in keys)

    @property
    def others(self) -> tuple[str, ...]:
        """Who else made proofs: controllers that are not the issuer."""
        named = {proof.controller: None for proof in self.proofs if proof.controller != self.issuer}
        return tuple(one for one in named if one is not None)


def read(document: Mapping[str, Any], kind: EnvelopeKind = "vc") -> Presented:
    """Read the claims of a credential (`vc`) or a presentation (`vp`), or of the one in a token it stands for."""
    if not is_enveloped(document, kind):
        return _read(document, None)
    try:
        token = open_envelope(document, kind)
    except ProofError as error:
        return replace(_read(document, None), trouble=Reason(error.code, error.detail))
    return _read(token.document, token)


def _read(document: Mapping[str, Any], token: Token | None) -> Presented:
    proofs = tuple(_proof(proof) for proof in many(document.get("proof")))
    if token is not None:
        proofs = (
            ProofClaim(token.verification_method, read_seconds(token.issued_at), read_seconds(token.expires_at)),
            *proofs,
        )
    since, until = dates_of(document)
    entries, faults = _entries(document.get("credentialStatus"))
    return Presented(
        document=document,
        id=_text(document.get("id")),
        issuer=id_of(document.get("issuer")),
        proofs=proofs,
        valid_from=read_timestamp(document.get(since)),
        valid_until=read_timestamp(document.get(until)),
        bad_date=_bad_date(document),
        entries=tuple(entries),
        faults=tuple(faults),
        token=token,
    )


def dates_of(document: Mapping[str, Any]) -> tuple[str, str]:
    """The properties that say since when and until when a document is valid, by its data model."""
    return _DATES.get(base_context(document), ("validFrom", "validUntil"))


def _bad_date(document: Mapping[str, Any]) -> str | None:
    """The first date that is there and cannot be read."""
    places: list[tuple[Any, str]] = [(document, name) for name in dates_of(document)]
    for proof in many(document.get("proof")):
        if isinstance(proof, Mapping):
            places += [(proof, "created"), (proof, "expires")]
    return next((name for where, name in places if name in where and read_timestamp(where[name]) is None), None)


def weight(document: Mapping[str, Any]) -> int:
    """What canonicalising the document as RDF costs, in values; 0 when no proof asks for that.

    JCS costs a millisecond for the largest document a request can hold, JSON-LD up to a quarter of one for each value.
    """
    suites = [proof.get("cryptosuite") for proof in many(document.get("proof")) if isinstance(proof, Mapping)]
    rounds: int = sum(suite not in JCS_SUITES for suite in suites)
    return size(document) * rounds if rounds else 0


def size(document: Mapping[str, Any]) -> int:
    """How many values a document has, its proofs left out."""
    values, waiting = 0, [value for name, value in document.items() if name != "proof"]
    while waiting:
        value = waiting.pop()
        values += 1
        if isinstance(value, dict):  # what JSON was read into; to ask for a Mapping costs ten times as much
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return values


def id_of(value: Any) -> str | None:
    """The id of what stands there as a text or as an object."""
    return _text(value.get("id")) if isinstance(value, Mapping) else _text(value)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _proof(proof: Any) -> ProofClaim:
    if not isinstance(proof, Mapping):
        return ProofClaim(None, None)
    return ProofClaim(
        _text(proof.get("verificationMethod")),
        read_timestamp(proof.get("created")),
        read_timestamp(proof.get("expires")),
    )


def _entries(value: Any) -> tuple[list[Entry], list[Reason]]:
    entries: list[Entry] = []
    faults: list[Reason] = []
    given = many(value)
    if len(given) > _MOST_ENTRIES:
        return [], [Reason("MALFORMED_VALUE_ERROR", f"the credential has more than {_MOST_ENTRIES} status entries")]
    for each in given:
        found = _entry(each)
        if isinstance(found, Entry):
            entries.append(found)
        elif found is not None:
            faults.append(found)
    return entries, faults


def _entry(value: Any) -> Entry | Reason | None:
    """An entry that can be looked up, why it cannot be read, or None for one that says where to refresh."""
    if not isinstance(value, Mapping):
        return Reason("MALFORMED_VALUE_ERROR", "a credentialStatus is not an object")
    if _ENTRY not in many(value.get("type")):
        return Reason("status-type-unsupported", "a credentialStatus is of a type that is not understood here")
    purpose, url, index = (
        _text(value.get(name)) for name in ("statusPurpose", "statusListCredential", "statusListIndex")
    )
    if purpose == "refresh":
        return None
    if not purpose or url is None or index is None or not _INDEX.fullmatch(index):
        return Reason("MALFORMED_VALUE_ERROR", "a status list entry lacks its purpose, list or index")
    bits = value.get("statusSize", 1)
    if isinstance(bits, bool) or not isinstance(bits, int) or not 1 <= bits <= _MOST_BITS:
        return Reason("MALFORMED_VALUE_ERROR", f"a status list entry has 1 to {_MOST_BITS} bits")
    if int(index) < 0:
        return Reason("RANGE_ERROR", "a status list index is negative")
    return Entry(purpose, url, int(index), bits)
