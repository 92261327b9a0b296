"""Secure plain claims as an SD-JWT VC, of which the holder shows a part (draft-ietf-oauth-sd-jwt-vc)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.issuer.commands.issuer_state import IssuerState, OpenKey, Signatory
from services.issuer.domain.errors import Fault, Invalid, WrongState
from services.issuer.store import secured_credentials
from services.issuer.store.secured_credentials import Secured
from shared.credentials import Algorithm, ProofError, PublicKey, secure_sd_jwt_vc
from shared.events.ids import new_id
from shared.http.strict_json import MAX_STRING
from shared.postgres.database import Transaction

_TRIES = 3


@dataclass(frozen=True, slots=True)
class SdJwtVcOrder:
    """What an institution asks to be secured. Without an issuer it is the institution's DID.

    Without an algorithm the oldest of its active keys signs, or the one that the issuer is.
    """

    institution_id: UUID
    claims: Mapping[str, Any]
    disclosable: Sequence[str] = ()
    issuer: str | None = None
    algorithm: Algorithm | None = None
    holder: PublicKey | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None


class SdJwtVcSecurer:
    """What securing needs besides the order."""

    def __init__(self, state: IssuerState) -> None:
        self._state = state

    async def secure(self, tx: Transaction, order: SdJwtVcOrder, *, now: datetime) -> str:
        """The token with all its disclosures, recorded in `tx`.

        Raises Invalid, Unknown, WrongState, InstitutionIsSuspended.
        """
        if order.valid_from and order.valid_until and order.valid_until <= order.valid_from:
            raise Invalid([Fault("#/validUntil", "invalid-date", "must lie after validFrom")])
        for _ in range(_TRIES):
            signatory = await self._signatory(tx, order)
            signer, issuer, method = _signer(signatory, order)
            at = max(now, signer.key.activated_at)
            token = _token(order, signer, issuer, method, at)
            document = orjson.dumps({"sdJwtVc": token})
            secured = Secured(new_id(), order.institution_id, None, document, {}, None, at)
            if await secured_credentials.add_if_current(tx, secured, signatory.institution.version):
                return token
            self._state.forget_institution(order.institution_id)
        raise WrongState("The institution is changing too fast; try again.")

    async def _signatory(self, tx: Transaction, order: SdJwtVcOrder) -> Signatory:
        """Who signs; asks again where the one remembered lacks the key that is asked for, which may be new."""
        known = await self._state.signatory(tx, order.institution_id)
        algorithms = {one.key.algorithm for one in known.keys}
        if order.algorithm in {None, *algorithms} and order.issuer in {None, *known.identifiers}:
            return known
        self._state.forget_institution(order.institution_id)
        return await self._state.signatory(tx, order.institution_id)


def _signer(signatory: Signatory, order: SdJwtVcOrder) -> tuple[OpenKey, str, str]:
    """The key, whom the token names as its issuer, and the verification method that it names."""
    did = signatory.institution.did
    if order.issuer in (None, did):
        for one in signatory.keys:
            if order.algorithm in (None, one.key.algorithm):
                return one, did, one.key.verification_method
        raise WrongState(f"The institution has no {order.algorithm or 'signing'} key; an administrator can add one.")
    for one in signatory.keys:
        if order.issuer == one.key.did_key:
            if order.algorithm not in (None, one.key.algorithm):
                detail = f"the issuer is a {one.key.algorithm} key"
                raise Invalid([Fault("#/algorithm", "wrong-key-type", detail)])
            return one, one.key.did_key, f"{one.key.did_key}#{one.key.public_key_multibase}"
    detail = f"you may issue as {did}, or as the did:key of an active key (GET /v1/keys)"
    raise Invalid([Fault("#/issuer", "issuer-mismatch", detail)])


def _token(order: SdJwtVcOrder, signer: OpenKey, issuer: str, method: str, at: datetime) -> str:
    try:
        token = secure_sd_jwt_vc(
            order.claims,
            order.disclosable,
            key=signer.private_key,
            issuer=issuer,
            verification_method=method,
            created=at,
            not_before=order.valid_from,
            expires=order.valid_until,
            holder=order.holder,
        )
    except ProofError as error:
        place = "#/disclosable" if error.code == "invalid-pointer" else f"#/claims{error.pointer[1:]}"
        raise Invalid([Fault(place, error.code, error.detail)]) from None
    if len(token) > MAX_STRING:  # a verifier of ours, who is sent it as a text, would refuse it
        detail = f"makes a token of {len(token)} characters, more than {MAX_STRING}"
        raise Invalid([Fault("#/claims", "too-long", detail)])
    return token
