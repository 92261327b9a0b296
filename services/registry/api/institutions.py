"""Institutions, as the public sees them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel

from services.registry.api.context import Here
from services.registry.api.counts import CountsAnswer
from services.registry.domain.counts import Counts
from services.registry.store import counts, institutions
from services.registry.store.institutions import Institution
from shared.http.app import router
from shared.http.body import is_id
from shared.http.paging import Asked
from shared.http.problems import NotFound

routes = router("institutions", "/v1/institutions")


class InstitutionAnswer(BaseModel):
    """An institution and what it issued."""

    id: UUID
    slug: str
    did: str
    name: str
    url: str
    email: str | None
    image: str | None
    linkedin_organization_id: int | None
    state: Literal["active", "suspended"]
    registered_at: datetime
    updated_at: datetime
    counts: CountsAnswer

    @classmethod
    def of(cls, institution: Institution, counted: Counts | None) -> "InstitutionAnswer":
        """From the store's records."""
        return cls.model_validate(
            {
                "id": institution.institution_id,
                **{name: getattr(institution, name) for name in cls.model_fields if name not in ("id", "counts")},
                "counts": CountsAnswer.of(counted),
            }
        )


class InstitutionPage(BaseModel):
    """A page of institutions."""

    items: list[InstitutionAnswer]
    next: str | None


@routes.get("", summary="Institutions, oldest first")
async def list_institutions(here: Here, asked: Asked) -> InstitutionPage:
    """Everybody who may issue, or once might."""
    after = asked.after(UUID)
    async with here.db.worker() as tx:
        rows = await institutions.page(tx, after, asked.rows)
        counted = await counts.of_institutions(tx, [row.institution_id for row in rows])
    body = asked.page(
        rows,
        place=lambda row: [str(row.institution_id)],
        item=lambda row: InstitutionAnswer.of(row, counted.get(row.institution_id)),
    )
    return InstitutionPage(**body)


@routes.get("/{institution}", summary="One institution, by id or slug")
async def get_institution(
    institution: Annotated[str, Path(max_length=64, description="Its id or its slug.")], here: Here
) -> InstitutionAnswer:
    """Its profile and what it issued."""
    async with here.db.worker() as tx:
        found = await find(tx, institution)
        if found is None:
            raise NotFound("there is no such institution")
        counted = await counts.of_institutions(tx, [found.institution_id])
    return InstitutionAnswer.of(found, counted.get(found.institution_id))


async def find(tx: Any, id_or_slug: str) -> Institution | None:
    """An institution by either name, or None."""
    if is_id(id_or_slug):
        return await institutions.get(tx, UUID(id_or_slug))
    return None if "\x00" in id_or_slug else await institutions.by_slug(tx, id_or_slug)
