"""What a problem says of a bad field is in our words, whole, and names what is allowed."""

from typing import Any, get_args

import httpx
import pytest
from pydantic import ValidationError
from pydantic_core.core_schema import ErrorType

from services.issuer.api.achievement_body import AchievementBody
from services.issuer.api.credential_body import RecipientBody
from services.issuer.api.micro_credential import MicroCredential
from services.notifier.api.endpoint_body import EndpointBody
from shared.http.body import Body
from shared.http.problems import MAX_ECHO
from shared.http.wording import one_of, sentence
from tests.unit.http.conftest import Tokens

GOOD = {"slug": "a-thing", "recipient": {"email": "ann@example.org"}}


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ({"recipient": GOOD["recipient"]}, "#/slug", "is missing"),
        ({**GOOD, "slug": None}, "#/slug", "must not be null"),
        ({**GOOD, "slug": 7}, "#/slug", "must be text"),
        ({**GOOD, "slug": "x" * 64}, "#/slug", "has more than 63 characters"),
        ({**GOOD, "zz": 1}, "#/zz", "there is no such field here"),
        ({**GOOD, "amount": "7"}, "#/amount", "must be a whole number"),
        ({**GOOD, "amount": 3.5}, "#/amount", "must be a whole number"),
        ({**GOOD, "ratio": "0.5"}, "#/ratio", "must be a number"),
        ({**GOOD, "public": "yes"}, "#/public", "must be true or false"),
        ({**GOOD, "tags": {}}, "#/tags", "must be a list"),
        ({**GOOD, "tags": ["x"] * 11}, "#/tags", "has more than 10 elements"),
        ({**GOOD, "id": "no-uuid"}, "#/id", "must be a UUID"),
        ({**GOOD, "url": "file:///"}, "#/url", "should be an absolute http or https URL without userinfo"),
        ([], "#", "must be an object"),
        (None, "#", "must not be null"),
    ],
)
async def test_the_only_bad_field_is_explained_twice(
    client: httpx.AsyncClient, token: Tokens, body: Any, pointer: str, detail: str
) -> None:
    """In its place, and as the problem's own detail."""
    headers = {"Authorization": f"Bearer {token('things:write')}", "Content-Type": "application/json"}
    content = httpx.Request("POST", "http://x", json=body).content or b"null"
    document = (await client.post("/v1/things", content=content, headers=headers)).json()
    assert [(each["pointer"], each["detail"]) for each in document["errors"]] == [(pointer, detail)]
    assert document["detail"] == detail


async def test_a_request_without_its_body_is_told_that_it_needs_one(client: httpx.AsyncClient, token: Tokens) -> None:
    headers = {"Authorization": f"Bearer {token('things:write')}", "Content-Type": "application/json"}
    for content in (b"", b" \r\n"):
        document = (await client.post("/v1/things", content=content, headers=headers)).json()
        assert (document["code"], document["detail"]) == (
            "invalid-json",
            "there is no body, and one is needed: a JSON object",
        )


def said(kind: type[Body], value: Any) -> dict[str, str]:
    """What is said of each bad field."""
    with pytest.raises(ValidationError) as refused:
        kind.model_validate(value)
    return {".".join(map(str, entry["loc"])): sentence(entry) for entry in refused.value.errors()}  # type: ignore[arg-type]


def test_a_list_of_what_is_allowed_ends_with_a_word_and_says_where_the_rest_is() -> None:
    event = said(EndpointBody, {"url": "https://x.example", "events": ["credential.invented"]})["events.0"]
    type_ = said(AchievementBody, {"achievementType": "Medal"})["achievementType"]
    for text, first in ((event, "institution.registered"), (type_, "Achievement")):
        assert text.startswith(f"must be one of {first}, ")
        assert text.endswith(" more: see /openapi.json")
        assert len(text) <= MAX_ECHO


def test_a_short_list_of_what_is_allowed_is_whole() -> None:
    text = said(MicroCredential, {"participation": "asleep"})["participation"]
    assert text == "must be one of online, onsite, blended, work-based, project-based, research-lab"
    assert one_of(["a", "b"]) == "must be one of a, b"
    assert one_of(["x" * 300]) == "is not a value that is allowed here"


def test_an_own_term_is_named_among_the_choices() -> None:
    alignment = {"targetName": "x", "targetUrl": "https://x.example", "targetType": "Skill"}
    assert said(AchievementBody, {"alignment": [alignment]})["alignment.0.targetType"] == (
        "must be one of ceasn:Competency, ceterms:Credential, CFItem, CFRubric, CFRubricCriterion,"
        " CFRubricCriterionLevel, CTDL, ext:…"
    )


def test_limits_are_named() -> None:
    found = said(
        EndpointBody,
        {"url": "x", "events": [], "signatures": [], "concurrency": 65, "rate_per_second": 0, "filter": ""},
    )
    assert found == {
        "url": "has fewer than 8 characters",
        "events": "must not be empty",
        "signatures": "must not be empty",
        "concurrency": "must be 64 at most",
        "rate_per_second": "must be 0.01 at least",
        "filter": "must not be empty",
    }


def test_a_recipient_of_two_kinds_lacks_nothing() -> None:
    assert said(RecipientBody, {}) == {"": "needs an email or a did"}
    both = {"email": "ann@example.org", "did": "did:key:z6Mk"}
    assert said(RecipientBody, both) == {"": "must not have both an email and a did"}


@pytest.mark.parametrize("kind", sorted(get_args(ErrorType)))
def test_no_words_of_pydantic_are_passed_on(kind: str) -> None:
    limits = {"gt": 1, "ge": 1, "lt": 1, "le": 1, "min_length": 1, "max_length": 1, "expected": "'a'", "pattern": "^a"}
    entry = {"type": kind, "loc": ("body", "x"), "input": "x", "msg": "Input should be otherwise", "ctx": limits}
    assert "Input" not in sentence(entry)
    assert "{" not in sentence(entry)
