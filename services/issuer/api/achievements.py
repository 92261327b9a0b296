"""Achievements: written as drafts, published, revised, archived."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel

from services.issuer.api.achievement_body import AchievementBody
from services.issuer.api.context import AchievementWriter, Context, Here, Member
from services.issuer.api.fields import Filter
from services.issuer.commands.draft_achievement import draft_achievement
from services.issuer.commands.publish_achievement import (
    archive_achievement,
    publish_achievement,
    rewrite_achievement,
)
from services.issuer.domain.achievement import Achievement
from services.issuer.domain.achievement_document import document_of
from services.issuer.store import achievements, institutions
from services.issuer.store.achievements import Filters
from shared.http.app import router
from shared.http.body import Id, timestamp
from shared.http.etags import IfMatch, etag, expected_version
from shared.http.idempotency import Result, once
from shared.http.paging import Asked

Revision = Annotated[int, Path(ge=1, le=1_000_000)]
routes = router("achievements", "/v1/achievements")


class AchievementAnswer(BaseModel):
    """An achievement of the institution that asks."""

    id: UUID
    status: Literal["draft", "published", "archived"]
    revision: int
    version: int
    url: str
    achievement: dict[str, Any]
    created_at: str
    updated_at: str
    published_at: str | None
    archived_at: str | None


class AchievementList(BaseModel):
    """One page."""

    items: list[AchievementAnswer]
    next: str | None


class RevisionAnswer(BaseModel):
    """What the public saw at one revision."""

    id: UUID
    revision: int
    at: str
    achievement: dict[str, Any]


@routes.post("", status_code=201, response_model=AchievementAnswer)
async def create(body: AchievementBody, request: Request, who: AchievementWriter, here: Here) -> Response:
    """Write a draft. Credentials can be issued from it once it is published."""
    async with here.db.tenant(who.institution) as tx:

        async def command() -> Result:
            draft = await draft_achievement(tx, who.institution, body.content(), now=here.clock())
            did = (await institutions.get(tx, who.institution)).did
            headers = {"Location": f"{here.addresses.issuer}/v1/achievements/{draft.id}", "ETag": etag(draft.version)}
            return Result(201, _shown(draft, did, here), headers)

        return await once(tx, request, who, command)


@routes.get("", response_model=AchievementList)
async def listing(
    who: Member,
    here: Here,
    asked: Asked,
    status: Literal["draft", "published", "archived"] | None = None,
    achievement_type: Annotated[Filter | None, Query(alias="achievementType")] = None,
    tag: Filter | None = None,
) -> Any:
    """The institution's achievements, newest first."""
    after = asked.after(UUID)
    async with here.db.tenant(who.institution) as tx:
        filters = Filters(status, achievement_type, tag)
        rows = await achievements.page(tx, who.institution, filters, after, asked.rows)
        did = (await institutions.get(tx, who.institution)).did
    return asked.page(rows, item=lambda row: _shown(row, did, here))


@routes.get("/{achievement_id}", response_model=AchievementAnswer)
async def one(achievement_id: Id, who: Member, here: Here) -> Response:
    """One achievement as it is now."""
    async with here.db.tenant(who.institution) as tx:
        found = await achievements.get(tx, achievement_id)
        did = (await institutions.get(tx, who.institution)).did
    return _answer(found, did, here)


@routes.get("/{achievement_id}/revisions/{revision}", response_model=RevisionAnswer)
async def one_revision(achievement_id: Id, revision: Revision, who: Member, here: Here) -> Any:
    """What the public saw at a revision; credentials issued then contain it."""
    async with here.db.tenant(who.institution) as tx:
        found = await achievements.get_revision(tx, achievement_id, revision)
    return {
        "id": found.achievement_id,
        "revision": found.revision,
        "at": timestamp(found.at),
        "achievement": found.document,
    }


@routes.put("/{achievement_id}", response_model=AchievementAnswer)
async def rewrite(
    achievement_id: Id, body: AchievementBody, who: AchievementWriter, here: Here, if_match: IfMatch = None
) -> Response:
    """Replace the content. Of a draft in place; of a published achievement as its next revision, public at once."""
    expected = expected_version(if_match)
    async with here.db.tenant(who.institution) as tx:
        after = await rewrite_achievement(
            tx, achievement_id, body.content(), expected, addresses=here.addresses, now=here.clock()
        )
        did = (await institutions.get(tx, who.institution)).did
    return _answer(after, did, here)


@routes.post("/{achievement_id}/publish", response_model=AchievementAnswer)
async def publish(achievement_id: Id, request: Request, who: AchievementWriter, here: Here) -> Response:
    """Make a draft public: credentials can be issued from it from now on."""
    async with here.db.tenant(who.institution) as tx:

        async def command() -> Result:
            after = await publish_achievement(tx, achievement_id, addresses=here.addresses, now=here.clock())
            did = (await institutions.get(tx, who.institution)).did
            return Result(200, _shown(after, did, here), {"ETag": etag(after.version)})

        return await once(tx, request, who, command)


@routes.post("/{achievement_id}/archive", response_model=AchievementAnswer)
async def archive(achievement_id: Id, request: Request, who: AchievementWriter, here: Here) -> Response:
    """End issuing from a published achievement. What was issued stays."""
    async with here.db.tenant(who.institution) as tx:

        async def command() -> Result:
            after = await archive_achievement(tx, achievement_id, now=here.clock())
            did = (await institutions.get(tx, who.institution)).did
            return Result(200, _shown(after, did, here), {"ETag": etag(after.version)})

        return await once(tx, request, who, command)


def _answer(achievement: Achievement, did: str, here: Context) -> Response:
    return Result(200, _shown(achievement, did, here), {"ETag": etag(achievement.version)}).response()


def _shown(achievement: Achievement, did: str, here: Context) -> dict[str, Any]:
    """`achievement` is the document as the public sees it, or, of a draft, as it would see it."""
    url = here.addresses.achievement(achievement.id)
    revision = achievement.revision or 1
    return {
        "id": str(achievement.id),
        "status": achievement.status,
        "revision": achievement.revision,
        "version": achievement.version,
        "url": url,
        "achievement": document_of(achievement.content, achievement_id=url, issuer=did, revision=revision),
        "created_at": timestamp(achievement.created_at),
        "updated_at": timestamp(achievement.updated_at),
        "published_at": timestamp(achievement.published_at) if achievement.published_at else None,
        "archived_at": timestamp(achievement.archived_at) if achievement.archived_at else None,
    }
