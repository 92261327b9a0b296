"""Credentials that name schemas, and what the verifier answers about them."""

from typing import Any

import httpx

from shared.credentials import CREDENTIALS_V2, OPEN_BADGES, secure_token, sign
from tests.integration.paper_issuer import PaperIssuer, utc_now

VERSION = "https://json-schema.org/draft/2020-12/schema"
EXTENSIONS = "https://purl.imsglobal.org/spec/ob/v3p0/extensions.json"
CONTEXTS = [CREDENTIALS_V2, OPEN_BADGES, EXTENSIONS]
SUBJECT = {"properties": {"achievement": {"required": ["name", "creditsAvailable"]}}}
ASKS = {"properties": {"credentialSubject": SUBJECT}}
MET = {"$schema": VERSION, "type": "object", "required": ["credentialSubject", "proof"]}
NOT_MET = {"$schema": VERSION, **ASKS}
PLACE = "#/credentialSubject/achievement/creditsAvailable"


def issued(issuer: PaperIssuer, *entries: Any) -> dict[str, Any]:
    """A credential that names schemas: entries, or addresses of plain ones."""
    named = [one if isinstance(one, dict) else {"id": one, "type": "JsonSchema"} for one in entries]
    change = {"@context": CONTEXTS, "credentialSchema": named if len(named) != 1 else named[0]}
    return issuer.issue(status=[], change=change).document


async def verify(http: httpx.AsyncClient, document: Any) -> tuple[str, str, str | None, str]:
    """The verdict, and the schema check: outcome, code, detail."""
    answer = await http.post("/v1/verify", json={"credential": document})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    check = next(one for one in body["checks"] if one["check"] == "schema")
    code = check["problem"]["type"].rpartition("/")[2] if "problem" in check else None
    return body["verdict"], check["outcome"], code, check["detail"]


async def vc_api(http: httpx.AsyncClient, document: Any, path: str = "", **options: Any) -> dict[str, Any]:
    body = {"verifiableCredential": document, **({"options": options} if options else {})}
    answer = await http.post(f"{path}/credentials/verify", json=body)
    found: dict[str, Any] = answer.json()
    assert answer.status_code == (200 if found["verified"] else 400), answer.text
    return found


def kinds(found: dict[str, Any]) -> list[str]:
    return [problem["code"] for problem in found["problemDetails"]]


def by(issuer: PaperIssuer, document: dict[str, Any], *, suite: Any = "eddsa-rdfc-2022", **more: Any) -> dict[str, Any]:
    """The document with a proof of the issuer's."""
    key, method = issuer.keys[-1], issuer.method
    return sign(document, key=key, verification_method=method, cryptosuite=suite, created=utc_now(), **more)


def token_of(issuer: PaperIssuer, document: dict[str, Any]) -> str:
    """The document as a token that the issuer signed."""
    return secure_token(document, key=issuer.keys[-1], verification_method=issuer.method, created=utc_now())
