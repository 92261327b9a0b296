"""The body of an issue request."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from services.issuer.api.fields import Alignment, CamelBody, Did, Language, Link, Uri, Word
from services.issuer.commands.issue_credential import Order
from services.issuer.domain.recipient import Recipient
from shared.credentials import Cryptosuite
from shared.http.body import Body, Email, Id, LongText, Moment, Name


class RecipientBody(Body):
    """The learner: an e-mail address or a DID, perhaps a name, and the language to write to them in (BCP 47).

    Documents hold hashes of all but a DID.
    """

    email: Email | None = None
    did: Did | None = None
    name: Name | None = None
    language: Language | None = None

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Self:
        if self.email is None and self.did is None:
            raise PydanticCustomError("required", "needs an email or a did")
        if self.email is not None and self.did is not None:
            raise PydanticCustomError("conflicting-fields", "must not have both an email and a did")
        return self


class EvidenceBody(CamelBody):
    """What shows that the achievement was reached (Open Badges 3.0, B.7)."""

    id: Link | None = None
    name: Word | None = None
    description: LongText | None = None
    narrative: LongText | None = None
    genre: Word | None = None
    audience: Word | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_dump(exclude_none=True):
            raise PydanticCustomError("required", "needs an id (a URL), or a text")
        return self


class ResultBody(CamelBody):
    """What the learner reached (Open Badges 3.0, B.17); checked against the achievement's description of it."""

    result_description: Uri | None = None
    value: Word | None = None
    status: Literal["Completed", "Enrolled", "Failed", "InProgress", "OnHold", "Provisional", "Withdrew"] | None = None
    achieved_level: Uri | None = None
    alignment: Annotated[list[Alignment], Field(min_length=1, max_length=50)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.value is None and self.status is None and self.achieved_level is None:
            raise PydanticCustomError("required", "needs a value, a status or an achievedLevel")
        return self


class IssueBody(CamelBody):
    """A credential to issue."""

    achievement: Id
    recipient: RecipientBody
    valid_from: Moment | None = None
    valid_until: Moment | None = None
    evidence: Annotated[list[EvidenceBody], Field(max_length=50)] = Field(default_factory=list)
    results: Annotated[list[ResultBody], Field(max_length=50)] = Field(default_factory=list)
    cryptosuite: Cryptosuite = "eddsa-rdfc-2022"

    def order(self, institution_id: UUID) -> Order:
        """What the command takes."""
        recipient = self.recipient
        return Order(
            institution_id=institution_id,
            achievement_id=self.achievement,
            recipient=Recipient.of(
                email=recipient.email, did=recipient.did, name=recipient.name, language=recipient.language
            ),
            valid_from=self.valid_from,
            valid_until=self.valid_until,
            evidence=_plain(self.evidence),
            results=_plain(self.results),
            cryptosuite=self.cryptosuite,
        )


def _plain(items: list[EvidenceBody] | list[ResultBody]) -> list[Mapping[str, Any]]:
    return [item.model_dump(by_alias=True, exclude_none=True) for item in items]
