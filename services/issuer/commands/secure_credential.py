"""Secure a document as it was given: any W3C credential, not only badges (VCALM 1.0, "Issue Credential")."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from services.issuer.commands.issue_credential import MAX_DOCUMENT
from services.issuer.commands.issuer_state import IssuerState, OpenKey, Signatory
from services.issuer.commands.reserve_positions import LentPositions, reserve_message
from services.issuer.domain.addresses import Addresses
from services.issuer.domain.credential import ListPurpose, Position, Purpose
from services.issuer.domain.errors import Fault, Invalid, WrongState
from services.issuer.domain.secured import (
    ROOT,
    issuer_of,
    require_nothing_lost,
    require_well_formed,
    with_proof_context,
)
from services.issuer.store import secured_credentials, status_lists
from services.issuer.store.secured_credentials import Secured
from shared.credentials import (
    CREDENTIALS_V1,
    JCS_SUITES,
    AnyCryptosuite,
    Cryptosuite,
    ProofError,
    algorithms_of,
    base_context,
    envelope,
    message_entry,
    secure_sd_token,
    secure_token,
    sign,
    sign_base,
    status_list_entry,
)
from shared.events.ids import new_id
from shared.http.strict_json import MAX_STRING
from shared.postgres.database import Transaction

_TRIES = 3
# What decides about a credential can never be withheld by its holder.
_ALWAYS_SHOWN = (
    "issuer",
    "validFrom",
    "validUntil",
    "issuanceDate",
    "expirationDate",
    "credentialStatus",
    "credentialSchema",
)
_DEFAULTS: dict[str, Cryptosuite] = {
    "Ed25519": "eddsa-rdfc-2022",
    "P-256": "ecdsa-rdfc-2019",
    "P-384": "ecdsa-rdfc-2019",
}


@dataclass(frozen=True, slots=True)
class SecureOrder:
    """What an institution asks to be secured. Without a cryptosuite the issuer's key decides."""

    institution_id: UUID
    credential: Mapping[str, Any]
    cryptosuite: AnyCryptosuite | None = None
    mandatory_pointers: Sequence[str] = ()
    credential_id: str | None = None
    expires: datetime | None = None
    envelope: Literal["vc+jwt", "vc+sd-jwt"] | None = None
    disclosable: Sequence[str] = ()
    status_purposes: Sequence[Purpose] = ()
    status_messages: Sequence[str] = ()

    @property
    def has_status(self) -> bool:
        """Whether entries of the institution's lists are to be added."""
        return bool(self.status_purposes or self.status_messages)

    @property
    def becomes_rdf(self) -> bool:
        """Whether signing canonicalises the whole document: it then refuses what the contexts do not define."""
        return self.envelope is None and self.cryptosuite not in (*JCS_SUITES, "ecdsa-sd-2023")

    @property
    def message_bits(self) -> int:
        """How many bits tell which message holds."""
        return max(1, (len(self.status_messages) - 1).bit_length())


class Securer:
    """What securing needs besides the order."""

    def __init__(self, state: IssuerState, addresses: Addresses) -> None:
        self._state, self._addresses = state, addresses

    async def secure_credential(
        self, tx: Transaction, order: SecureOrder, positions: LentPositions | None, *, now: datetime
    ) -> dict[str, Any]:
        """The signed document, recorded in `tx`. `positions` are there when the order asks for a status.

        Raises Invalid, Unknown, WrongState, InstitutionIsSuspended.
        """
        if order.mandatory_pointers and order.cryptosuite != "ecdsa-sd-2023":
            detail = "only a credential secured with ecdsa-sd-2023 has mandatory parts"
            raise Invalid([Fault("#/options/mandatoryPointers", "invalid-value", detail)])
        require_well_formed(order.credential)
        if not order.becomes_rdf:
            require_nothing_lost(order.credential)
        for _ in range(_TRIES):
            signatory = await self._signatory(tx, order)
            signer, method, suite = _signer(signatory, order)
            at = max(now, signer.key.activated_at)
            document, placed = await self._prepare(tx, order, positions, now)
            signed = _secured(document, signer, method, suite, order, at)
            if positions is not None:
                positions.used = True
            bits = order.message_bits if order.status_messages else None
            secured = Secured(new_id(), order.institution_id, _name(order), _bytes_of(signed), placed, bits, at)
            if await secured_credentials.add_if_current(tx, secured, signatory.institution.version):
                return signed
            self._state.forget_institution(order.institution_id)
        raise WrongState("The institution is changing too fast; try again.")

    async def _signatory(self, tx: Transaction, order: SecureOrder) -> Signatory:
        """Who signs, with the key that the document names: one not remembered may be new."""
        known = await self._state.signatory_for(tx, order.institution_id, order.cryptosuite or "eddsa-rdfc-2022")
        if issuer_of(order.credential) not in known.identifiers:
            self._state.forget_institution(order.institution_id)
            known = await self._state.signatory(tx, order.institution_id)
        return known

    async def _prepare(
        self, tx: Transaction, order: SecureOrder, positions: LentPositions | None, now: datetime
    ) -> tuple[dict[str, Any], dict[ListPurpose, Position]]:
        document = with_proof_context(order.credential)
        if not order.has_status:
            return document, {}
        placed: dict[ListPurpose, Position] = {}
        if positions is not None:
            places: dict[Purpose, Position] = {"revocation": positions.revocation, "suspension": positions.suspension}
            placed.update({purpose: place for purpose, place in places.items() if purpose in order.status_purposes})
        if order.status_messages:
            placed["message"] = await reserve_message(tx, order.institution_id, order.message_bits, now=now)
        entries = [
            message_entry(self._addresses.status_list(place.list_id), place.index, order.status_messages)
            if purpose == "message"
            else status_list_entry(self._addresses.status_list(place.list_id), place.index, purpose)
            for purpose, place in placed.items()
        ]
        given = document.get("credentialStatus", [])
        document["credentialStatus"] = [*(given if isinstance(given, list) else [given]), *entries]
        return document, placed


@dataclass(frozen=True, slots=True)
class StatusOrder:
    """Which status of which document, and its new value. `status_list` and `index` are compared where given."""

    credential_id: str
    purpose: ListPurpose
    value: bool | int
    status_list: str | None = None
    index: str | None = None


async def set_status(tx: Transaction, order: StatusOrder, addresses: Addresses, *, now: datetime) -> None:
    """Set or clear the status of a document secured here (VCALM 1.0, "Update Status"). Raises Unknown, WrongState.

    A revocation is for ever (Bitstring Status List 1.0, 2.1): it cannot be cleared. Of messages, `value` is the number
    of the one that holds; raises Invalid where there is none of that number, and for an entry that is not the
    document's.
    """
    purpose, value = order.purpose, order.value
    place, bits = await secured_credentials.position(tx, order.credential_id, purpose)
    if order.status_list not in (None, addresses.status_list(place.list_id)) or order.index not in (
        None,
        str(place.index),
    ):
        raise Invalid([Fault("#/credentialStatus", "invalid-status", "this is not an entry of that credential")])
    if purpose == "message":
        if isinstance(value, bool) or value >= 2**bits:
            raise Invalid([Fault("#/status", "invalid-value", f"a message's status is 0x0 to {hex(2**bits - 1)}")])
        await status_lists.set_value(tx, place, bits, value, now)
        return
    if not isinstance(value, bool):
        raise Invalid([Fault("#/status", "invalid-value", "this status is true or false")])
    if purpose == "revocation" and not value:
        raise WrongState("A revocation cannot be taken back.")
    await status_lists.set_bit(tx, place, value, now)


def _signer(signatory: Signatory, order: SecureOrder) -> tuple[OpenKey, str, AnyCryptosuite]:
    """The key, the verification method by which the document names it, and the cryptosuite."""
    issuer = issuer_of(order.credential)
    if issuer == signatory.institution.did:
        suite = order.cryptosuite or "eddsa-rdfc-2022"
        signer = signatory.key_for(suite)
        return signer, signer.key.verification_method, suite
    for one in signatory.keys:
        if issuer == one.key.did_key:
            suite = order.cryptosuite or _DEFAULTS[one.key.algorithm]
            if one.key.algorithm not in algorithms_of(suite):
                detail = f"{suite} does not use {one.key.algorithm} keys, as the issuer's is"
                raise Invalid([Fault("#/options/cryptosuite", "wrong-key-type", detail)])
            return one, f"{issuer}#{one.key.public_key_multibase}", suite
    detail = f"you may issue as {signatory.institution.did}, or as the did:key of an active key (GET /v1/keys)"
    raise Invalid([Fault(f"{ROOT}/issuer", "issuer-mismatch", detail)])


def _secured(
    document: Mapping[str, Any], signer: OpenKey, method: str, suite: AnyCryptosuite, order: SecureOrder, at: datetime
) -> dict[str, Any]:
    """The document with a proof, or in a token that is enveloped."""
    if order.envelope is None:
        return _sign(document, signer, method, suite, order, at)
    if base_context(document) == CREDENTIALS_V1:
        detail = "a credential of the data model 1.1 cannot be enveloped"
        raise Invalid([Fault(f"{ROOT}/@context/0", "context-not-allowed", detail)])
    try:
        if order.envelope == "vc+jwt":
            token = secure_token(
                document, key=signer.private_key, verification_method=method, created=at, expires=order.expires
            )
        else:
            token = secure_sd_token(
                document,
                order.disclosable,
                key=signer.private_key,
                verification_method=method,
                created=at,
                expires=order.expires,
            )
    except ProofError as error:
        place = "#/options/disclosable" if error.code == "invalid-pointer" else ROOT + error.pointer[1:]
        raise Invalid([Fault(place, error.code, error.detail)]) from None
    enveloped = envelope(token)
    if len(enveloped["id"]) > MAX_STRING:  # a verifier of ours, who is sent it as a text, would refuse it
        detail = f"makes a token of {len(token)} characters, and with its head more than {MAX_STRING}"
        raise Invalid([Fault(ROOT, "too-long", detail)])
    return enveloped


def _sign(
    document: Mapping[str, Any],
    signer: OpenKey,
    method: str,
    suite: AnyCryptosuite,
    order: SecureOrder,
    at: datetime,
) -> dict[str, Any]:
    try:
        if suite == "ecdsa-sd-2023":
            assert isinstance(signer.private_key, EllipticCurvePrivateKey), "the suite was matched with the key"
            return sign_base(
                document,
                key=signer.private_key,
                verification_method=method,
                created=at,
                expires=order.expires,
                mandatory_pointers=_mandatory(document, order.mandatory_pointers),
            )
        return sign(
            document,
            key=signer.private_key,
            verification_method=method,
            cryptosuite=suite,
            created=at,
            expires=order.expires,
        )
    except ProofError as error:
        place = "#/options/mandatoryPointers" if error.code == "invalid-pointer" else ROOT + error.pointer[1:]
        raise Invalid([Fault(place, error.code, error.detail)]) from None


def _mandatory(document: Mapping[str, Any], asked: Sequence[str]) -> list[str]:
    always = [f"/{name}" for name in _ALWAYS_SHOWN if name in document]
    return list(dict.fromkeys([*always, *asked]))


def _name(order: SecureOrder) -> str | None:
    """What the status is changed by: the request's name, or the document's own id; only kept with a status."""
    if not order.has_status:
        return None
    name = order.credential_id or order.credential.get("id")
    if not isinstance(name, str):
        detail = "a credential without an id needs a credentialId to change its status by"
        raise Invalid([Fault("#/options/credentialId", "required", detail)])
    return name


def _bytes_of(document: Mapping[str, Any]) -> bytes:
    raw = orjson.dumps(document)
    if len(raw) > MAX_DOCUMENT:
        raise Invalid([Fault(ROOT, "too-long", f"makes a document of {len(raw)} bytes, more than {MAX_DOCUMENT}")])
    return raw
