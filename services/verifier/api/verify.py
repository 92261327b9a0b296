"""Verification for everybody: no token, one credential in, five checks and a verdict out."""

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from fastapi import Request, Response
from pydantic import BaseModel, Field

from services.verifier.api.context import Here
from services.verifier.api.fetching import within_its_share
from services.verifier.commands.verify_credential import Verification
from services.verifier.domain.answer import Check, CheckName, Outcome, Verdict
from services.verifier.domain.summary import Summary
from shared.http.app import router
from shared.http.body import Body, timestamp

routes = router("verification", "/v1")


class VerifyRequest(Body):
    """The credential as a JSON object, with its proof inside."""

    credential: dict[str, Any] = Field(min_length=1, description="An Open Badges 3.0 credential with its proof.")


class ProblemAnswer(BaseModel):
    """Why a check did not pass; `type` is the specification's where it names one."""

    type: str
    title: str
    detail: str


class CheckAnswer(BaseModel):
    """One test."""

    check: CheckName
    outcome: Outcome
    detail: str
    problem: ProblemAnswer | None = None


class IssuerAnswer(BaseModel):
    """Who the document says issued it; the name is the registered one where the issuer is."""

    id: str | None
    name: str | None


class CredentialAnswer(BaseModel):
    """What the document says it is: claims, to be believed only as far as `verdict` goes."""

    id: str | None
    name: str | None
    achievement: str | None
    issuer: IssuerAnswer
    valid_from: datetime | None
    valid_until: datetime | None


class VerificationAnswer(BaseModel):
    """`verified` is true for the verdicts valid and valid-with-warnings."""

    verified: bool
    verdict: Verdict
    checks: list[CheckAnswer] = Field(min_length=5, max_length=5)
    verification_id: UUID
    verified_at: datetime
    credential: CredentialAnswer


@routes.post("/verify", summary="Verify a credential", response_model=VerificationAnswer)
async def verify(body: VerifyRequest, request: Request, here: Here) -> Response:
    """Answers 200 whatever the verdict is. Status and keys of registered issuers come from this service's own store."""
    client = request.client.host if request.client else "unknown"
    with within_its_share():
        verification = await here.verifier.verify_credential(body.credential, client)
    return Response(orjson.dumps(shape(verification, here.public_url)), media_type="application/json")


def shape(verification: Verification, public_url: str) -> dict[str, Any]:
    """The answer, as `VerificationAnswer` describes it."""
    return {
        "verified": verification.verified,
        "verdict": verification.verdict,
        "checks": [shape_check(check, public_url) for check in verification.judged.checks],
        "verification_id": str(verification.id),
        "verified_at": timestamp(verification.at),
        "credential": _summary(verification.summary),
    }


def shape_check(check: Check, public_url: str) -> dict[str, Any]:
    """One test, as `CheckAnswer` describes it."""
    shown: dict[str, Any] = {"check": check.check, "outcome": check.outcome, "detail": check.detail}
    if check.reason is not None:
        kind = check.reason.type
        shown["problem"] = {
            "type": kind if "://" in kind else f"{public_url}/problems/{kind}",
            "title": check.reason.title,
            "detail": check.reason.detail,
        }
    return shown


def _summary(summary: Summary) -> dict[str, Any]:
    return {
        "id": summary.id,
        "name": summary.name,
        "achievement": summary.achievement,
        "issuer": {"id": summary.issuer_id, "name": summary.issuer_name},
        "valid_from": timestamp(summary.valid_from) if summary.valid_from else None,
        "valid_until": timestamp(summary.valid_until) if summary.valid_until else None,
    }
