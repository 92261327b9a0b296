"""What a learner does with a credential: has platforms show it, and takes it back."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, Field

from services.registry.api.context import Here
from services.registry.api.language import Language
from services.registry.api.learner import Learners
from services.registry.api.platforms import ConsentAnswer, find
from services.registry.commands.share_credential import share_credential
from services.registry.commands.unshare_credential import unshare_credential
from services.registry.domain.share import (
    SHARES_A_DAY,
    NeverShared,
    NotShareable,
    Platform,
    PlatformIsSuspended,
    Share,
    TooManyShares,
    UnknownPlatform,
)
from services.registry.store import platforms, shares
from shared.http.app import router
from shared.http.body import Body
from shared.http.paging import Asked
from shared.http.problems import Conflict, FieldError, InvalidInput, NotFound, TooManyRequests
from shared.postgres.database import Transaction

routes = router("shares", "/v1/credentials/{credential_id}")


class CredentialNotShareable(Conflict, type="credential-not-shareable"):
    """A revoked or suspended credential is not shared anew."""


class PlatformSuspended(Conflict, type="platform-suspended"):
    """The operator shut the platform out."""


class ShareBody(Body):
    """The platform, by its id or its slug."""

    platform: Annotated[str, Field(min_length=1, max_length=63, pattern="^[a-z0-9-]+$")]


class SharePlatformAnswer(BaseModel):
    """The platform of a share."""

    id: UUID
    slug: str
    name: str
    url: str


class ShareAnswer(BaseModel):
    """One consent: `shared`; `withdrawn`, of which the platform was told; `removed`, which it confirmed."""

    share_id: UUID
    credential_id: UUID
    platform: SharePlatformAnswer
    state: Literal["shared", "withdrawn", "removed"]
    consent: ConsentAnswer
    shared_at: datetime
    withdrawn_at: datetime | None
    withdrawn_by: Literal["learner", "operator"] | None
    removed_at: datetime | None

    @classmethod
    def of(cls, share: Share, platform: Platform) -> "ShareAnswer":
        """From the rules' values."""
        return cls(
            share_id=share.share_id,
            credential_id=share.credential_id,
            platform=SharePlatformAnswer(id=platform.id, slug=platform.slug, name=platform.name, url=platform.url),
            state=share.state,
            consent=ConsentAnswer(version=share.consent_version, text=share.consent),
            shared_at=share.shared_at,
            withdrawn_at=share.withdrawn_at,
            withdrawn_by=share.withdrawn_by,
            removed_at=share.removed_at,
        )


class SharePage(BaseModel):
    """A page of consents."""

    items: list[ShareAnswer]
    next: str | None


@routes.post(
    "/share",
    summary="Have a platform show the credential",
    status_code=201,
    responses={200: {"model": ShareAnswer, "description": "It was shared there before."}},
)
async def share(
    credential_id: Learners, body: ShareBody, response: Response, here: Here, language: Language
) -> ShareAnswer:
    """The learner's consent, on the terms that `GET /v1/platforms` shows in the same language; they are kept in its
    words. The platform is told at once."""
    try:
        async with here.db.worker() as tx:
            platform = await _platform(tx, body.platform)
            done = await share_credential(
                tx,
                credential_id,
                platform,
                consent=here.wording.consent(platform, language),
                addresses=here.addresses,
                now=here.clock(),
            )
    except UnknownPlatform:
        raise _unknown_platform() from None
    except PlatformIsSuspended:
        raise PlatformSuspended("the operator has shut the platform out") from None
    except NotShareable as error:
        raise CredentialNotShareable(f"the credential is {error}") from None
    except TooManyShares:
        raise TooManyRequests(f"a credential is shared at most {SHARES_A_DAY} times a day with a platform") from None
    response.status_code = 201 if done.is_new else 200
    return ShareAnswer.of(done.share, platform)


@routes.post("/unshare", summary="Have a platform remove the credential")
async def unshare(credential_id: Learners, body: ShareBody, here: Here) -> ShareAnswer:
    """The end of the consent; the platform is told, and has to confirm that it removed the credential."""
    try:
        async with here.db.worker() as tx:
            platform = await _platform(tx, body.platform)
            ended = await unshare_credential(tx, credential_id, platform.id, now=here.clock())
    except UnknownPlatform:
        raise _unknown_platform() from None
    except NeverShared:
        raise NotFound("the credential was never shared there") from None
    return ShareAnswer.of(ended, platform)


@routes.get("/shares", summary="Where the credential is shown, and was; newest first")
async def listing(credential_id: Learners, here: Here, asked: Asked) -> SharePage:
    """Every consent that the learner gave for it."""
    after = asked.after(UUID)
    async with here.db.worker() as tx:
        rows = await shares.of_credential(tx, credential_id, after, asked.rows)
        named = await platforms.by_ids(tx, [row.platform_id for row in rows])
    body = asked.page(
        rows,
        place=lambda row: [str(row.share_id)],
        item=lambda row: ShareAnswer.of(row, named[row.platform_id]),
    )
    return SharePage(**body)


async def _platform(tx: Transaction, id_or_slug: str) -> Platform:
    platform = await find(tx, id_or_slug)
    if platform is None:
        raise UnknownPlatform
    return platform


def _unknown_platform() -> InvalidInput:
    detail = "is no platform that is known here"
    return InvalidInput(detail, errors=[FieldError("unknown-platform", detail, pointer="#/platform")])
