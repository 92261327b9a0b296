"""The verifier's part of the VC-API (W3C VCALM 1.0), at its own paths; under /proof-only, cryptography alone."""

from typing import Annotated, Any, Literal, Self

import orjson
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from services.verifier.api.context import Here
from services.verifier.api.fetching import within_its_share
from services.verifier.api.vc_api_answer import credential_answer, presentation_answer
from services.verifier.domain.presentation import Question
from shared.http.app import router
from shared.http.body import Body
from shared.http.vcalm import TAG, known_options

Text = Annotated[str, Field(min_length=1, max_length=2000)]
Pointer = Annotated[str, Field(max_length=2000)]
PROOF_ONLY = "/proof-only"


class CamelBody(Body):
    """Objects of the specification keep the names that their fields have there."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=False)


class AnyOptions(CamelBody):
    """How to verify. Options that are not here are refused, as VCALM asks."""

    checks: Annotated[list[Literal["proof", "credentialStatus"]], Field(max_length=10)] | None = None
    return_problem_details: bool = True
    return_results: bool = True


class VerifyOptions(AnyOptions):
    """Those for a credential."""

    return_credential: bool = False


class VerifyCredentialRequest(CamelBody):
    """A credential with its proof."""

    verifiable_credential: Annotated[dict[str, Any], Field(min_length=1)]
    options: VerifyOptions = Field(default_factory=VerifyOptions)


class PresentationOptions(AnyOptions):
    """Those for a presentation, with the question that it has to answer."""

    return_presentation: bool = False
    challenge: Text | None = None
    domain: Text | None = None


class VerifyPresentationRequest(CamelBody):
    """A presentation with its proof; or one that nobody has signed, as `presentation`, for what is in it."""

    verifiable_presentation: Annotated[dict[str, Any], Field(min_length=1)] | None = None
    presentation: Annotated[dict[str, Any], Field(min_length=1)] | None = None
    options: PresentationOptions = Field(default_factory=PresentationOptions)

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Self:
        if self.verifiable_presentation is None and self.presentation is None:
            raise PydanticCustomError("required", "needs a verifiablePresentation or a presentation")
        if self.verifiable_presentation is not None and self.presentation is not None:
            raise PydanticCustomError(
                "conflicting-fields", "must not have both a verifiablePresentation and a presentation"
            )
        return self


class DeriveOptions(CamelBody):
    """JSON pointers to what is shown besides what the issuer made mandatory."""

    selective_pointers: Annotated[list[Pointer], Field(max_length=50)] = Field(default_factory=list)


class DeriveRequest(CamelBody):
    """A credential with a base proof."""

    verifiable_credential: Annotated[dict[str, Any], Field(min_length=1)]
    options: DeriveOptions = Field(default_factory=DeriveOptions)


class DeriveAnswer(BaseModel):
    """The part with its derived proof."""

    model_config = ConfigDict(alias_generator=to_camel)
    verifiable_credential: dict[str, Any]


class VcApiProblem(BaseModel):
    """What was found: `type` is the specification's where it names one; warnings do not make it unverified."""

    type: str
    title: str
    detail: str
    code: str = Field(description="A narrower word than the type; docs/verification.md explains each.")


class VcApiAnswer(BaseModel):
    """The outcome. With `verified` false the status is 400, so that who looks at it alone is safe."""

    model_config = ConfigDict(extra="allow")
    verified: bool
    problemDetails: list[VcApiProblem] = Field(default_factory=list)  # noqa: N815
    results: dict[str, Any] = Field(default_factory=dict)


_UNVERIFIED: dict[int | str, dict[str, Any]] = {
    400: {"model": VcApiAnswer, "description": "It does not verify, or the request cannot be read."}
}


class ChallengeAnswer(BaseModel):
    """To be repeated in a presentation's proof, once and within ten minutes."""

    challenge: str


def _routes(prefix: str, *, proofs_only: bool) -> APIRouter:
    """The two verifications, by one policy."""
    made = router(TAG, prefix)
    summary = "cryptography and form alone" if proofs_only else "everything that decides"

    @made.post(
        "/credentials/verify",
        response_model=VcApiAnswer,
        summary=f"Verify a credential: {summary}",
        responses=_UNVERIFIED,
        dependencies=[Depends(known_options(VerifyOptions))],
    )
    async def verify_credential(body: VerifyCredentialRequest, request: Request, here: Here) -> Response:
        document, client = body.verifiable_credential, _client(request)
        with within_its_share():
            if proofs_only or body.options.checks == ["proof"]:
                judged = await here.verifier.verify_proofs(document, client)
            else:
                judged = (await here.verifier.verify_credential(document, client)).judged
        shown = {"credential": document} if body.options.return_credential else {}
        return _answer(credential_answer(judged, here.public_url) | shown, body.options)

    @made.post(
        "/presentations/verify",
        response_model=VcApiAnswer,
        summary=f"Verify a presentation: {summary}",
        responses=_UNVERIFIED,
        dependencies=[Depends(known_options(PresentationOptions))],
    )
    async def verify_presentation(body: VerifyPresentationRequest, request: Request, here: Here) -> Response:
        document, options = body.verifiable_presentation or body.presentation or {}, body.options
        question = Question(options.challenge, options.domain)
        alone = proofs_only or options.checks == ["proof"]
        with within_its_share():
            shown = await here.presentations.verify_presentation(
                document, question, _client(request), proofs_only=alone, may_be_bare=body.presentation is not None
            )
        given = {"verifiablePresentation": document} if options.return_presentation else {}
        return _answer(presentation_answer(shown, here.public_url) | given, options)

    return made


routes = _routes("", proofs_only=False)
proof_only_routes = _routes(PROOF_ONLY, proofs_only=True)


@routes.post(
    "/credentials/derive",
    status_code=201,
    response_model=DeriveAnswer,
    summary="Show a part of a credential",
    dependencies=[Depends(known_options(DeriveOptions))],
)
async def derive_credential(body: DeriveRequest, here: Here) -> Response:
    """What its holder shows of a credential with a base proof by `ecdsa-sd-2023`. Nothing is kept."""
    shown = await here.verifier.derive(body.verifiable_credential, body.options.selective_pointers)
    return Response(orjson.dumps({"verifiableCredential": shown}), 201, media_type="application/json")


@routes.post("/challenges", response_model=ChallengeAnswer)
async def challenge(here: Here) -> Response:
    """A question for a presentation to answer: whoever sees the answer cannot use it again."""
    return Response(orjson.dumps({"challenge": here.challenges.give()}), media_type="application/json")


def _client(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def _answer(found: dict[str, Any], options: AnyOptions) -> Response:
    if not options.return_problem_details:
        found.pop("problemDetails")
    if not options.return_results:
        found.pop("results")
    return Response(orjson.dumps(found), 200 if found["verified"] else 400, media_type="application/json")
