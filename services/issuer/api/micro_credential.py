"""The EU's standard elements of a micro-credential (Council Recommendation of 16 June 2022, Annex I), as fields.

The learner, the title, the awarding body and the date stand in the credential itself; these are the others.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from services.issuer.api.fields import Amount, CamelBody, Link, Word
from shared.http.body import LongText


class LearningOutcome(CamelBody):
    """What the learner knows, understands and can do; `id` where a vocabulary such as ESCO has it."""

    id: Link | None = None
    name: Word
    description: LongText | None = None


class Workload(CamelBody):
    """How much work it takes: in ECTS credits, in hours, or both."""

    ects: Amount | None = None
    hours: Amount | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.ects is None and self.hours is None:
            raise PydanticCustomError("required", "needs ects, hours, or both")
        return self


class Level(CamelBody):
    """The level of the learning experience, by the European or a national framework, and its cycle."""

    eqf: Annotated[int, Field(ge=1, le=8)] | None = None
    nqf: Word | None = None
    cycle: Literal["short", "first", "second", "third"] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.eqf is None and self.nqf is None and self.cycle is None:
            raise PydanticCustomError("required", "needs eqf, nqf or cycle")
        return self


class Assessment(CamelBody):
    """How the learning outcomes were assessed."""

    type: Word
    description: LongText | None = None


class QualityAssurance(CamelBody):
    """What underpins the micro-credential: an accreditation, an agency's review, a process of the institution."""

    type: Word
    body: Word | None = None
    url: Link | None = None


class MicroCredential(CamelBody):
    """The mandatory elements that stand nowhere else, then the optional ones."""

    country: Annotated[str, Field(pattern="^[A-Z]{2}$", description="Of the issuer, ISO 3166-1 alpha-2.")] | None = None
    learning_outcomes: Annotated[list[LearningOutcome], Field(min_length=1, max_length=100)]
    workload: Workload
    level: Level | None = None
    assessment: Assessment
    participation: Literal["online", "onsite", "blended", "work-based", "project-based", "research-lab"]
    quality_assurance: QualityAssurance
    prerequisites: LongText | None = None
    supervision: Literal["unsupervised", "supervised", "supervised-with-identity-check"] | None = None
    stackability: Literal["standalone", "stackable"] | None = None
    further_information: Link | None = None
