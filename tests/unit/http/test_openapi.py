"""The OpenAPI document is true: what it allows is taken, what it forbids is not, and answers are as it says."""

import httpx
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from shared.http.app import HttpSettings, create_app
from shared.http.auth import Authenticator
from shared.postgres.database import Database
from tests.unit.http.conftest import ISSUER, NOWHERE, OPERATOR_TOKEN, Keys, Tokens, routes

KEYS = Keys()


def app() -> FastAPI:
    """The small service, without fixtures: hypothesis asks it many times in one test."""
    return create_app(
        title="Things",
        description="For tests.",
        settings=HttpSettings("https://service.example", "secret"),
        db=Database(NOWHERE),
        routers=[routes],
        authenticator=Authenticator(KEYS, issuer=ISSUER, operator_token=OPERATOR_TOKEN),
    )


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("path", ["/v1/things", "/v1/things/{thing_id}/publish"])
def test_generated_requests_are_answered_as_documented(path: str, mode: GenerationMode) -> None:
    found = schemathesis.openapi.from_asgi("/openapi.json", app()).get_all_operations()
    operation = next(one.ok() for one in found if isinstance(one, Ok) and one.ok().path == path)
    statuses: set[int] = set()
    token = Tokens(KEYS)("things:write")  # made when the test runs: it expires, and the suite may take longer

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=20, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def ask(case: schemathesis.Case) -> None:
        for spoiled in ("Authorization", "authorization"):  # which tokens are refused is tested elsewhere
            case.headers.pop(spoiled, None)
        answer = case.call(headers={"Authorization": f"Bearer {token}"})
        statuses.add(answer.status_code)
        if mode is GenerationMode.POSITIVE:
            case.validate_response(answer)
        else:
            assert answer.status_code < 500

    ask()
    assert {200, 201} & statuses if mode is GenerationMode.POSITIVE else {400, 422} & statuses


async def test_it_tells_of_problems_tokens_and_keys(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    create = document["paths"]["/v1/things"]["post"]
    assert create["security"] == [{"bearer": []}]
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for status in ("400", "401", "403", "409", "413", "415", "422", "429", "503"):
        assert create["responses"][status]["content"]["application/problem+json"], status
    assert "Idempotency-Key" in [parameter["name"] for parameter in create["parameters"]]
    assert "security" not in document["paths"]["/v1/things/whoami"]["get"]
    assert "HTTPValidationError" not in document["components"]["schemas"]
