"""What institutions say about an endpoint, and what they are told about it."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import PydanticCustomError

from services.notifier.api.audience import never_told
from services.notifier.domain.content import NAMES, Audience
from services.notifier.domain.custom_headers import MAX_VALUE, MOST, ForbiddenHeader, check_headers
from services.notifier.domain.endpoint import EVERYTHING, Endpoint, EndpointState, Format, PayloadKind
from services.notifier.domain.filter import MAX_LENGTH, InvalidFilter, compiled
from services.notifier.domain.signature import Kind
from shared.http.addresses import AddressPolicy, UrlRefused
from shared.http.body import Body, Id, timestamp
from shared.http.problems import FieldError, InvalidInput
from shared.http.strict_json import escape_pointer

HIDDEN = "***"
T = TypeVar("T")


def _once_each(values: list[T]) -> list[T]:
    return list(dict.fromkeys(values))


def _with_v1(values: list[Kind]) -> list[Kind]:
    if "v1" not in values:
        raise PydanticCustomError("invalid-value", "needs v1, which every receiver can check")
    return values


EventName = Literal[(*NAMES, EVERYTHING)]  # type: ignore[valid-type]
EventNames = Annotated[list[EventName], Field(min_length=1, max_length=64), AfterValidator(_once_each)]
Url = Annotated[str, Field(min_length=8, max_length=2000, description="https, on port 443 or 8443.")]
Description = Annotated[str, Field(max_length=500)]
Signatures = Annotated[
    list[Kind], Field(min_length=1, max_length=2), AfterValidator(_with_v1), AfterValidator(_once_each)
]
Achievements = Annotated[
    list[Id],
    Field(min_length=1, max_length=100, description="Of achievements and credentials, only these."),
    AfterValidator(_once_each),
]
Institutions = Annotated[
    list[Id],
    Field(min_length=1, max_length=100, description="For a platform: only what these issued."),
    AfterValidator(_once_each),
]
FilterText = Annotated[str, Field(min_length=1, max_length=MAX_LENGTH, description="An expression on the thin data.")]
Rate = Annotated[float, Field(ge=0.01, le=1000, description="Requests a second at most.")]
Concurrency = Annotated[int, Field(ge=1, le=64, description="Requests at once at most, of each notifier.")]
Headers = Annotated[
    dict[str, Annotated[str, Field(max_length=MAX_VALUE)]],
    Field(max_length=MOST, description="Sent with every request; never shown again."),
]


class EndpointBody(Body):
    """An endpoint to register. `events` are short names such as `credential.issued`, or `*` for all."""

    url: Url
    events: EventNames
    description: Description | None = None
    payload: PayloadKind = Field("thin", description="Ids, links and status; or everything, documents included.")
    format: Format = "standard"
    signatures: Signatures = ["v1"]  # noqa: RUF012 (pydantic copies it)
    achievements: Achievements | None = None
    institutions: Institutions | None = None
    filter: FilterText | None = None
    ordered: bool = Field(False, description="Strict order for each credential.")
    rate_per_second: Rate | None = None
    concurrency: Concurrency = 8
    headers: Headers = Field(default_factory=dict)


class EndpointChanges(Body):
    """What to change; what is not named stays. `state` pauses an endpoint or makes it active again; `headers` replace
    all that there are."""

    url: Url = Field(default_factory=str)
    events: EventNames = Field(default_factory=list)
    description: Description | None = None
    payload: PayloadKind = Field(default_factory=lambda: "thin")
    format: Format = Field(default_factory=lambda: "standard")
    signatures: Signatures = Field(default_factory=list)
    achievements: Achievements | None = None
    institutions: Institutions | None = None
    filter: FilterText | None = None
    ordered: bool = Field(default_factory=bool)
    rate_per_second: Rate | None = None
    concurrency: Concurrency = Field(default_factory=int)
    headers: Headers = Field(default_factory=dict)
    state: Literal["active", "paused"] = Field(default_factory=lambda: "active")


class EndpointAnswer(BaseModel):
    """An endpoint. `failing_since` tells since when every attempt failed; `public_key` checks its `v1a` signatures."""

    id: UUID
    url: str
    events: list[str]
    description: str | None
    payload: PayloadKind
    format: Format
    signatures: list[Kind]
    public_key: str | None
    achievements: list[UUID] | None
    institutions: list[UUID] | None
    filter: str | None
    ordered: bool
    rate_per_second: float | None
    concurrency: int
    headers: dict[str, str] = Field(description="Their values are not shown.")
    state: EndpointState
    disabled_reason: str | None
    failing_since: str | None
    verified_at: str | None
    created_at: str


class NewEndpointAnswer(EndpointAnswer):
    """An endpoint with its signing secret, which is shown this once."""

    secret: str


class EndpointList(BaseModel):
    """One page."""

    items: list[EndpointAnswer]
    next: str | None


def shown(endpoint: Endpoint) -> dict[str, Any]:
    """An endpoint as it is answered."""
    plain = ("url", "description", "payload", "format", "filter", "ordered", "rate_per_second", "concurrency")
    return {
        "id": str(endpoint.id),
        **{name: getattr(endpoint, name) for name in plain},
        "events": list(endpoint.events),
        "signatures": list(endpoint.signatures),
        "public_key": endpoint.public_key if "v1a" in endpoint.signatures else None,
        "achievements": _texts(endpoint.achievements),
        "institutions": _texts(endpoint.institutions),
        "headers": dict.fromkeys(endpoint.header_names, HIDDEN),
        "state": endpoint.state,
        "disabled_reason": endpoint.disabled_reason,
        "failing_since": timestamp(endpoint.failing_since) if endpoint.failing_since else None,
        "verified_at": timestamp(endpoint.verified_at) if endpoint.verified_at else None,
        "created_at": timestamp(endpoint.created_at),
    }


def _texts(ids: Sequence[UUID] | None) -> list[str] | None:
    return None if ids is None else [str(each) for each in ids]


def checked(
    body: EndpointBody | EndpointChanges, policy: AddressPolicy, audience: Audience
) -> tuple[dict[str, Any], dict[str, str] | None]:
    """The fields of `Endpoint` that the body sets, and its headers where it says any. Raises InvalidInput with all that
    is wrong."""
    fields = body.model_dump(exclude_unset=True)
    headers = fields.pop("headers", None)
    errors = never_told(fields.get("events", ()), audience, "#/events")
    if fields.get("institutions") is not None and audience == "institution":
        detail = "is for platforms: an institution hears of what is its own, and of nobody else's"
        errors.append(FieldError("invalid-value", detail, pointer="#/institutions"))
    if "url" in fields:
        errors += _url_errors(fields["url"], policy)
    if fields.get("filter") is not None:
        errors += _filter_errors(fields["filter"])
    if headers is not None:
        errors += _header_errors(headers)
    if errors:
        raise InvalidInput(errors=errors)
    return fields, headers


def _url_errors(url: str, policy: AddressPolicy) -> list[FieldError]:
    try:
        policy.check_url(url)
    except UrlRefused as error:
        return [FieldError(error.code, error.detail, pointer="#/url")]
    return []


def _filter_errors(text: str) -> list[FieldError]:
    try:
        compiled(text)
    except InvalidFilter as error:
        return [FieldError("invalid-filter", str(error), pointer="#/filter")]
    return []


def _header_errors(headers: dict[str, str]) -> list[FieldError]:
    try:
        check_headers(headers)
    except ForbiddenHeader as error:
        return [FieldError("forbidden-header", str(error), pointer=f"#/headers/{escape_pointer(error.name)}")]
    return []
