"""Achievements: the Open Badges document at the address that is its `id`, and lists to browse."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import Query, Request, Response
from pydantic import BaseModel

from services.registry.api.context import Here
from services.registry.api.counts import CountsAnswer
from services.registry.api.institutions import find
from services.registry.domain.addresses import Addresses
from services.registry.domain.counts import Counts
from services.registry.domain.media_types import choose
from services.registry.store import achievements, counts
from services.registry.store.achievements import Achievement, Filters
from shared.credentials import contexts_for
from shared.http.app import router
from shared.http.body import Id
from shared.http.etags import IfNoneMatch, etag, not_modified
from shared.http.paging import Asked
from shared.http.problems import NotAcceptable, NotFound

MEDIA_TYPES = ("application/ld+json", "application/json")
routes = router("achievements")


class AchievementAnswer(BaseModel):
    """An achievement and what was issued from it. `document` is the Open Badges 3.0 Achievement."""

    id: UUID
    url: str
    institution_id: UUID
    name: str
    achievement_type: str | None
    revision: int
    state: Literal["published", "archived"]
    published_at: datetime
    updated_at: datetime
    counts: CountsAnswer
    document: dict[str, Any]

    @classmethod
    def of(cls, achievement: Achievement, counted: Counts | None, addresses: Addresses) -> "AchievementAnswer":
        """From the store's records."""
        own = ("id", "url", "counts", "document")
        return cls.model_validate(
            {
                **{name: getattr(achievement, name) for name in cls.model_fields if name not in own},
                "id": achievement.achievement_id,
                "url": addresses.achievement(achievement.achievement_id),
                "counts": CountsAnswer.of(counted),
                "document": orjson.loads(achievement.document),
            }
        )


class AchievementPage(BaseModel):
    """A page of achievements."""

    items: list[AchievementAnswer]
    next: str | None


@routes.get(
    "/achievements/{achievement_id}",
    summary="The Open Badges document",
    response_class=Response,
    responses={
        200: {
            "description": "The Open Badges 3.0 Achievement as JSON-LD, in its latest revision.",
            "content": {kind: {"schema": {"type": "object"}} for kind in MEDIA_TYPES},
        },
        304: {"description": "Not modified"},
    },
)
async def get_document(achievement_id: Id, request: Request, here: Here, if_none_match: IfNoneMatch = None) -> Response:
    """Served at the `id` that credentials name."""
    kind = choose(request.headers.get("accept"), MEDIA_TYPES)
    if kind is None:
        raise NotAcceptable(f"this is served as {', '.join(MEDIA_TYPES)}")
    async with here.db.worker_connection() as connection:
        found = await achievements.get(connection, achievement_id)
    if found is None:
        raise NotFound("there is no such achievement")
    headers = {
        "ETag": etag(found.revision),
        "Cache-Control": "public, max-age=60",
        "Vary": "Accept",
        "Access-Control-Allow-Origin": "*",
        "X-Content-Type-Options": "nosniff",
    }
    if not_modified(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    document = orjson.loads(found.document)
    body = orjson.dumps({"@context": contexts_for(document), **document})
    return Response(body, headers=headers, media_type=kind)


@routes.get("/v1/achievements", summary="Achievements, oldest first")
async def list_achievements(
    here: Here,
    asked: Asked,
    institution: Annotated[str | None, Query(max_length=64, description="Id or slug of an institution.")] = None,
    state: Annotated[Literal["published", "archived"] | None, Query()] = None,
    achievement_type: Annotated[str | None, Query(max_length=200, description="Such as MicroCredential.")] = None,
) -> AchievementPage:
    """What can be earned, and what once could."""
    after = asked.after(UUID)
    async with here.db.worker() as tx:
        owner = await find(tx, institution) if institution is not None else None
        if (institution is not None and owner is None) or "\x00" in (achievement_type or ""):
            return AchievementPage(items=[], next=None)
        filters = Filters(owner.institution_id if owner else None, state, achievement_type)
        rows = await achievements.page(tx, filters, after, asked.rows)
        counted = await counts.of_achievements(tx, [row.achievement_id for row in rows])
    body = asked.page(
        rows,
        place=lambda row: [str(row.achievement_id)],
        item=lambda row: AchievementAnswer.of(row, counted.get(row.achievement_id), here.addresses),
    )
    return AchievementPage(**body)


@routes.get("/v1/achievements/{achievement_id}", summary="One achievement with its counts")
async def get_achievement(achievement_id: Id, here: Here) -> AchievementAnswer:
    """What was issued from it, beside the document."""
    async with here.db.worker() as tx:
        found = await achievements.get(tx, achievement_id)
        if found is None:
            raise NotFound("there is no such achievement")
        counted = await counts.of_achievements(tx, [achievement_id])
    return AchievementAnswer.of(found, counted.get(achievement_id), here.addresses)
