"""Types of fields and parameters that the issuer's resources share."""

import re
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from shared.http.body import Body

# Links and ids become IRIs in signed documents, where a character that RFC 3986 does not allow cannot be signed.
_CHARACTER = "(?:[A-Za-z0-9._~:@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})"
_AUTHORITY = "[A-Za-z0-9-]+(?:[.][A-Za-z0-9-]+)*(?::[0-9]{1,5})?"
_REST = f"(?:/{_CHARACTER}*)*(?:[?](?:{_CHARACTER}|[/?])*)?(?:#(?:{_CHARACTER}|[/?])*)?"
LINK_PATTERN = f"^https?://{_AUTHORITY}{_REST}$"
URI_PATTERN = f"^(?:https?://{_AUTHORITY}{_REST}|urn:[a-z0-9-]{{1,32}}:(?:{_CHARACTER}|/)+)$"
DID_PATTERN = "^did:[a-z0-9]+:(?:[A-Za-z0-9._:-]|%[0-9A-Fa-f]{2})*(?:[A-Za-z0-9._-]|%[0-9A-Fa-f]{2})$"


def _link(text: str) -> str:
    if re.fullmatch(LINK_PATTERN, text) is None:
        raise PydanticCustomError("invalid_url", "should be an http or https URL (RFC 3986), without userinfo")
    return text


def _credit(value: float) -> float:
    if float(f"{value:.15E}") != value:  # what RDF would write of it is another number
        raise PydanticCustomError("out_of_range", "should have at most 15 digits")
    return int(value) if value.is_integer() else value


Did = Annotated[str, Field(max_length=500, pattern=DID_PATTERN)]
Link = Annotated[
    str, Field(max_length=2000, json_schema_extra={"pattern": LINK_PATTERN, "format": "uri"}), AfterValidator(_link)
]
Uri = Annotated[str, Field(max_length=2000, pattern=URI_PATTERN)]
Language = Annotated[str, Field(max_length=35, pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$")]
Amount = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False), AfterValidator(_credit)]
Filter = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]+$")]
OrganizationId = Annotated[int, Field(ge=1, le=2**53 - 1, description="The number of its page on LinkedIn.")]
Word = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]


class Reason(Body):
    """Why something is done; kept, and told in the event."""

    reason: Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]


class CamelBody(Body):
    """Objects of the specifications keep the names that their fields have there."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=False)


def extensible(words: str) -> str:
    """The pattern of an Open Badges enumeration: one of `words` (separated by spaces), or one's own term, `ext:…`."""
    return "^(" + "|".join(re.escape(word) for word in words.split()) + r"|ext:[A-Za-z0-9._-]{1,100})$"


TARGET_TYPES = "ceasn:Competency ceterms:Credential CFItem CFRubric CFRubricCriterion CFRubricCriterionLevel CTDL"


class Image(CamelBody):
    """A picture by address (Open Badges 3.0, B.10)."""

    id: Link
    caption: Annotated[str, Field(min_length=1, max_length=500)] | None = None


class Alignment(CamelBody):
    """A node of a framework of skills or of qualifications (Open Badges 3.0, B.3)."""

    target_name: Word
    target_url: Link
    target_code: Word | None = None
    target_description: Annotated[str, Field(min_length=1, max_length=2000)] | None = None
    target_framework: Word | None = None
    target_type: Annotated[str, Field(pattern=extensible(TARGET_TYPES))] | None = None
