"""The checks of an SD-JWT VC: what it claims as a document's claims, and whether who shows it is its holder."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.verifier.domain.answer import Check, Reason, failed, passed, undecided, warned
from services.verifier.domain.presentation import Question, is_stale, wrong_answer
from services.verifier.domain.presented import Presented, ProofClaim
from shared.credentials import (
    Binding,
    ProofError,
    SdJwt,
    decode_multikey,
    method_of,
    read_sd_jwt,
    read_seconds,
    require_sd_jwt_vc,
    verify_binding,
    verify_sd_jwt,
)


@dataclass(frozen=True, slots=True)
class ShownVc:
    """A token and what it claims. `token` is None where it cannot be read; `presented.trouble` says why.

    `fault` is why it is no SD-JWT VC.
    """

    presented: Presented
    token: SdJwt | None = None
    fault: Reason | None = None


def read_vc(text: str) -> ShownVc:
    """Read a token without believing it. Reading never fails."""
    try:
        token = read_sd_jwt(text)
        claims = token.payload
    except ProofError as error:
        return ShownVc(_presented({}, None, Reason(error.code, error.detail)))
    presented = _presented(claims, token, None)
    try:
        require_sd_jwt_vc(token, claims)
    except ProofError as error:
        return ShownVc(presented, token, Reason(error.code, error.detail))
    return ShownVc(presented, token)


def _presented(claims: Mapping[str, Any], token: SdJwt | None, trouble: Reason | None) -> Presented:
    issuer = claims.get("iss") if isinstance(claims.get("iss"), str) else None
    made: list[ProofClaim] = []
    if token is not None:
        made.append(ProofClaim(method_of(token.jws.header.get("kid"), issuer), read_seconds(claims.get("iat"))))
    # Lists of this kind (Token Status List) are not read here: said, and not overlooked.
    status = [Reason("status-type-unsupported", "The status claim is of a kind that is not understood here.")]
    return Presented(
        document=claims,
        id=None,
        issuer=issuer,
        proofs=tuple(made),
        valid_from=read_seconds(claims.get("nbf")),
        valid_until=read_seconds(claims.get("exp")),
        bad_date=next((name for name in ("nbf", "exp") if name in claims and read_seconds(claims[name]) is None), None),
        entries=(),
        faults=tuple(status if "status" in claims else ()),
        trouble=trouble,
    )


def proof(shown: ShownVc, keys: Mapping[str, str]) -> Check:
    """The token is signed with the key it names, and every disclosure belongs to it (RFC 9901, 7.1)."""
    if shown.token is None:
        trouble = shown.presented.trouble
        assert trouble is not None, "a token that cannot be read says why"
        return failed("proof", trouble.code, trouble.detail)
    named = [keys[method] for method in shown.presented.methods if method in keys]
    if not named:
        return undecided("proof", "key-unknown", "The key that the token names is not known to be its issuer's.")
    try:
        verify_sd_jwt(shown.token, decode_multikey(named[0]))
    except ProofError as error:
        return failed("proof", error.code, error.detail)
    return passed("proof", "The signature is sound, and what is disclosed belongs to it.")


def schema(shown: ShownVc) -> Check:
    """The token is an SD-JWT VC, and nothing that decides can be withheld."""
    fault = shown.fault or shown.presented.trouble
    if fault is not None:
        return failed("schema", fault.code, fault.detail)
    return passed("schema", "The token has the form of an SD-JWT VC.")


def binding(shown: ShownVc, question: Question, now: datetime, *, required: bool) -> tuple[Check, Binding | None]:
    """Who shows the token holds the key that its issuer named, and answers this question now (RFC 9901, 7.3).

    To be asked of a token whose proof passed: the holder's key is in it.
    """
    token = shown.token
    required = required or question != Question()
    if token is None or (token.binding is None and required):
        return failed("binding", "missing-binding", "The holder has not signed the presentation."), None
    if token.binding is None:
        if "cnf" in token.claims:
            return warned("binding", "holder-unproven", "Nobody proved to be the holder whose key it names."), None
        return passed("binding", "The credential is bound to no holder."), None
    try:
        answer = verify_binding(token)
    except ProofError as error:
        return failed("binding", error.code, error.detail), None
    if is_stale(answer.issued_at, now):
        return failed("binding", "binding-stale", "The holder's answer is too old, or from the future."), answer
    wrong = wrong_answer(answer.nonce, (answer.audience,), question)
    if wrong is not None:
        return failed("binding", wrong.code, wrong.detail), answer
    return passed("binding", "The holder signed the presentation."), answer
