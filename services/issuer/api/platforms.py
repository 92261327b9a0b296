"""Platforms, where learners show credentials: admitted, described and suspended by the operator."""

from typing import Any, Literal
from uuid import UUID

from fastapi import Request, Response
from pydantic import BaseModel, Field

from services.issuer.api.context import Here, Operator
from services.issuer.api.fields import Link, Reason
from services.issuer.api.institutions import ClientCredentials
from services.issuer.api.secrets import opened, sealed_client
from services.issuer.commands.register_platform import register_platform
from services.issuer.commands.suspend_platform import suspend_platform
from services.issuer.commands.update_platform import update_platform
from services.issuer.domain.platform import Platform
from services.issuer.store import platforms
from shared.http.app import router
from shared.http.body import Body, Email, Id, Name, Slug, timestamp
from shared.http.etags import IfMatch, etag, expected_version
from shared.http.idempotency import Result, once
from shared.http.paging import Asked

routes = router("platforms", "/v1/platforms")


class PlatformBody(Body):
    """A platform to admit; learners see `name` and `url` when they share. Letters about its endpoints go to `email`."""

    slug: Slug
    name: Name
    url: Link
    email: Email


class PlatformChanges(Body):
    """What to replace."""

    name: Name = Field(default_factory=str)
    url: Link = Field(default_factory=str)
    email: Email = Field(default_factory=str)


class PlatformAnswer(BaseModel):
    """A platform."""

    id: UUID
    slug: str
    name: str
    url: str
    email: str | None
    state: Literal["active", "suspended"]
    suspended_reason: str | None
    version: int
    created_at: str
    updated_at: str


class AdmittedAnswer(PlatformAnswer):
    """A new platform with its first client."""

    client: ClientCredentials


class PlatformList(BaseModel):
    """One page."""

    items: list[PlatformAnswer]
    next: str | None


@routes.post("", status_code=201, response_model=AdmittedAnswer)
async def register(body: PlatformBody, request: Request, who: Operator, here: Here) -> Response:
    """Admit a platform: it gets a client, for endpoints and shares alone. A retry with the same key shows the same."""
    async with here.db.worker() as tx:

        async def command() -> Result:
            new = await register_platform(tx, body.slug, body.name, body.url, body.email, now=here.clock())
            location = f"{here.addresses.issuer}/v1/platforms/{new.platform.id}"
            shown = {**_shown(new.platform), "client": sealed_client(new.client, here.sealer)}
            return Result(201, shown, {"Location": location, "ETag": etag(new.platform.version)})

        answer = await once(tx, request, who, command)
    return opened(answer, here.sealer)


@routes.get("", response_model=PlatformList)
async def listing(who: Operator, here: Here, asked: Asked) -> Any:
    """Every platform, newest first."""
    after = asked.after(UUID)
    async with here.db.worker() as tx:
        rows = await platforms.page(tx, after, asked.rows)
    return asked.page(rows, item=_shown)


@routes.get("/{platform_id}", response_model=PlatformAnswer)
async def one(platform_id: Id, who: Operator, here: Here) -> Response:
    """One platform."""
    async with here.db.worker() as tx:
        found = await platforms.get(tx, platform_id)
    return _answer(found)


@routes.patch("/{platform_id}", response_model=PlatformAnswer)
async def update(
    platform_id: Id, body: PlatformChanges, who: Operator, here: Here, if_match: IfMatch = None
) -> Response:
    """Change what learners see of it, and where it is written to."""
    changes, expected = body.model_dump(exclude_unset=True), expected_version(if_match)
    async with here.db.worker() as tx:
        updated = await update_platform(tx, platform_id, changes, expected, now=here.clock())
    return _answer(updated)


@routes.post("/{platform_id}/suspend", response_model=PlatformAnswer)
async def suspend(platform_id: Id, body: Reason, request: Request, who: Operator, here: Here) -> Response:
    """Shut a platform out for good: nothing new is shared with it, and it is told to remove what was."""
    async with here.db.worker() as tx:

        async def command() -> Result:
            suspended = await suspend_platform(tx, platform_id, body.reason, now=here.clock())
            return Result(200, _shown(suspended), {"ETag": etag(suspended.version)})

        return await once(tx, request, who, command)


def _answer(platform: Platform) -> Response:
    return Result(200, _shown(platform), {"ETag": etag(platform.version)}).response()


def _shown(platform: Platform) -> dict[str, Any]:
    return {
        "id": str(platform.id),
        "slug": platform.slug,
        "name": platform.name,
        "url": platform.url,
        "email": platform.email,
        "state": platform.state,
        "suspended_reason": platform.suspended_reason,
        "version": platform.version,
        "created_at": timestamp(platform.created_at),
        "updated_at": timestamp(platform.updated_at),
    }
