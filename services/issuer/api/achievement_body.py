"""The body of an achievement: Open Badges 3.0 Achievement (B.2) and the EU micro-credential elements.

The elements are those of Annex I of the Council Recommendation of 16 June 2022.
"""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from services.issuer.api.fields import (
    Alignment,
    Amount,
    CamelBody,
    Image,
    Language,
    Link,
    Uri,
    Word,
    extensible,
)
from services.issuer.api.micro_credential import MicroCredential
from shared.http.body import LongText, Name

_ACHIEVEMENT_TYPES = (
    "Achievement ApprenticeshipCertificate Assessment Assignment AssociateDegree Award Badge BachelorDegree Certificate"
    " CertificateOfCompletion Certification CommunityService Competency Course CoCurricular Degree Diploma"
    " DoctoralDegree Fieldwork GeneralEducationDevelopment JourneymanCertificate LearningProgram License Membership"
    " ProfessionalDoctorate QualityAssuranceCredential MasterCertificate MasterDegree MicroCredential ResearchDoctorate"
    " SecondarySchoolDiploma"
)
_RESULT_TYPES = (
    "GradePointAverage LetterGrade Percent PerformanceLevel PredictedScore RawScore Result RubricCriterion"
    " RubricCriterionLevel RubricScore ScaledScore Status"
)
_IDENTIFIER_TYPES = (
    "name sourcedId systemId productId userName accountId emailAddress nationalIdentityNumber isbn issn lisSourcedId"
    " oneRosterSourcedId sisSourcedId ltiContextId ltiDeploymentId ltiToolId ltiPlatformId ltiUserId identifier"
)

Tag = Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S")]


class Criteria(CamelBody):
    """How it is earned: an address, a text, or both."""

    id: Link | None = None
    narrative: LongText | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.id is None and self.narrative is None:
            raise PydanticCustomError("required", "needs an id (a URL), a narrative, or both")
        return self


class RubricLevel(CamelBody):
    """One level of a rubric (Open Badges 3.0, B.19)."""

    id: Uri | None = None
    name: Word
    description: LongText | None = None
    level: Word | None = None
    points: Word | None = None
    alignment: Annotated[list[Alignment], Field(min_length=1, max_length=50)] | None = None


class ResultDescription(CamelBody):
    """A result that learners can reach (Open Badges 3.0, B.18). Without an `id` it gets one."""

    id: Uri | None = None
    name: Word
    result_type: Annotated[str, Field(pattern=extensible(_RESULT_TYPES))]
    allowed_value: Annotated[list[Word], Field(min_length=1, max_length=200)] | None = None
    required_level: Uri | None = None
    required_value: Word | None = None
    rubric_criterion_level: Annotated[list[RubricLevel], Field(min_length=1, max_length=50)] | None = None
    value_min: Word | None = None
    value_max: Word | None = None
    alignment: Annotated[list[Alignment], Field(min_length=1, max_length=50)] | None = None


class OtherIdentifier(CamelBody):
    """A name of the achievement in another system (Open Badges 3.0, B.9)."""

    identifier: Word
    identifier_type: Annotated[str, Field(pattern=extensible(_IDENTIFIER_TYPES))]


class Related(CamelBody):
    """Another achievement that has to do with this one (Open Badges 3.0, B.16)."""

    id: Link
    in_language: Language | None = None
    version: Word | None = None


class AchievementBody(CamelBody):
    """What can be earned."""

    name: Name
    description: LongText
    criteria: Criteria
    achievement_type: Annotated[str, Field(pattern=extensible(_ACHIEVEMENT_TYPES))] | None = None
    image: Image | None = None
    alignment: Annotated[list[Alignment], Field(min_length=1, max_length=100)] | None = None
    tag: Annotated[list[Tag], Field(min_length=1, max_length=100)] | None = None
    result_description: Annotated[list[ResultDescription], Field(min_length=1, max_length=50)] | None = None
    credits_available: Amount | None = None
    field_of_study: Word | None = None
    human_code: Word | None = None
    in_language: Language | None = None
    specialization: Word | None = None
    other_identifier: Annotated[list[OtherIdentifier], Field(min_length=1, max_length=50)] | None = None
    related: Annotated[list[Related], Field(min_length=1, max_length=50)] | None = None
    version: Word | None = None
    micro_credential: MicroCredential | None = None

    def content(self) -> dict[str, Any]:
        """What is stored: the fields that were given, under the names of the specification."""
        return self.model_dump(by_alias=True, exclude_none=True)
