"""Verification of SD-JWT VCs for everybody: no token of ours, one of theirs in, six checks and a verdict out."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Request, Response
from pydantic import BaseModel, Field

from services.verifier.api.context import Here
from services.verifier.api.fetching import within_its_share
from services.verifier.api.vc_api import CamelBody, Text
from services.verifier.api.verify import CheckAnswer, IssuerAnswer, shape_check
from services.verifier.commands.verify_sd_jwt_vc import SdJwtVerification
from services.verifier.domain.answer import Verdict
from services.verifier.domain.presentation import Question
from services.verifier.domain.summary import ascii_did
from shared.credentials import Binding
from shared.http.app import router
from shared.http.body import timestamp
from shared.http.strict_json import MAX_STRING

routes = router("verification", "/v1")


class VerifySdJwtVcRequest(CamelBody):
    """The token with what its holder discloses, and with its key binding where there is one.

    With `audience` or `nonce` there has to be one, made for them; `keyBindingRequired` asks for one without.
    """

    sd_jwt_vc: Annotated[str, Field(min_length=1, max_length=MAX_STRING)]
    audience: Text | None = None
    nonce: Text | None = None
    key_binding_required: bool = False


class BindingAnswer(BaseModel):
    """What the holder's key binding says."""

    audience: str
    nonce: str
    issued_at: datetime


class SdJwtVerificationAnswer(BaseModel):
    """`verified` is true for the verdicts valid and valid-with-warnings. `claims` is null for a forgery."""

    verified: bool
    verdict: Verdict
    checks: list[CheckAnswer] = Field(min_length=6, max_length=6)
    verification_id: UUID
    verified_at: datetime
    issuer: IssuerAnswer
    claims: dict[str, Any] | None
    binding: BindingAnswer | None


@routes.post("/sd-jwt-vcs/verify", summary="Verify an SD-JWT VC", response_model=SdJwtVerificationAnswer)
async def verify(body: VerifySdJwtVcRequest, request: Request, here: Here) -> Response:
    """Answers 200 whatever the verdict is, as `POST /v1/verify` does."""
    client = request.client.host if request.client else "unknown"
    question = Question(body.nonce, body.audience)
    with within_its_share():
        verification = await here.sd_jwt_vcs.verify(
            body.sd_jwt_vc, question, client, binding_required=body.key_binding_required
        )
    return Response(orjson.dumps(_shape(verification, here.public_url)), media_type="application/json")


def _shape(verification: SdJwtVerification, public_url: str) -> dict[str, Any]:
    issuer = verification.shown.presented.issuer
    return {
        "verified": verification.verified,
        "verdict": verification.verdict,
        "checks": [shape_check(check, public_url) for check in verification.checks],
        "verification_id": str(verification.id),
        "verified_at": timestamp(verification.at),
        "issuer": {"id": ascii_did(issuer), "name": verification.issuer_name},
        "claims": verification.claims,
        "binding": _binding(verification.binding),
    }


def _binding(binding: Binding | None) -> dict[str, Any] | None:
    if binding is None:
        return None
    return {"audience": binding.audience, "nonce": binding.nonce, "issued_at": timestamp(binding.issued_at)}
