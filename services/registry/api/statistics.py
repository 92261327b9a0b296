"""Figures over the whole record."""

from pydantic import BaseModel

from services.registry.api.context import Here
from services.registry.api.counts import CountsAnswer
from services.registry.store import counts
from shared.http.app import router

routes = router("statistics")


class Statistics(BaseModel):
    """How much there is of everything."""

    institutions: int
    achievements: int
    credentials: CountsAnswer


@routes.get("/v1/statistics", summary="How much there is of everything")
async def get_statistics(here: Here) -> Statistics:
    """Exact at the moment of the answer."""
    async with here.db.worker() as tx:
        counted, institutions, achievements = await counts.of_all(tx)
    return Statistics(institutions=institutions, achievements=achievements, credentials=CountsAnswer.of(counted))
