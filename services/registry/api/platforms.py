"""The platforms that credentials can be shared with, and what sharing means."""

from uuid import UUID

from fastapi import Response
from pydantic import BaseModel

from services.registry.api.context import Here
from services.registry.api.language import Language, headers_of
from services.registry.domain.share import CONSENT_VERSION, Platform
from services.registry.store import platforms
from shared.http.app import router
from shared.http.body import is_id
from shared.http.paging import Asked
from shared.postgres.database import Transaction

routes = router("platforms", "/v1/platforms")


class ConsentAnswer(BaseModel):
    """What a learner agrees to by sharing, to be shown before."""

    version: str
    text: str


class PlatformAnswer(BaseModel):
    """A platform."""

    id: UUID
    slug: str
    name: str
    url: str
    consent: ConsentAnswer

    @classmethod
    def of(cls, platform: Platform, consent: str) -> "PlatformAnswer":
        """From the rules' values."""
        answer = ConsentAnswer(version=CONSENT_VERSION, text=consent)
        return cls(id=platform.id, slug=platform.slug, name=platform.name, url=platform.url, consent=answer)


class PlatformPage(BaseModel):
    """A page of platforms."""

    items: list[PlatformAnswer]
    next: str | None


@routes.get("", summary="Platforms, oldest first")
async def listing(response: Response, here: Here, language: Language, asked: Asked) -> PlatformPage:
    """Where a credential can be shown, on terms in the learner's language; those that the operator shut out are left
    out."""
    after = asked.after(UUID)
    async with here.db.worker_connection() as connection:
        rows = await platforms.page(connection, after, asked.rows)
    response.headers.update(headers_of(language))
    body = asked.page(
        rows,
        item=lambda row: PlatformAnswer.of(row, here.wording.consent(row, language)),
    )
    return PlatformPage(**body)


async def find(tx: Transaction, id_or_slug: str) -> Platform | None:
    """A platform by either name, or None."""
    return await platforms.get(tx, UUID(id_or_slug)) if is_id(id_or_slug) else await platforms.by_slug(tx, id_or_slug)
