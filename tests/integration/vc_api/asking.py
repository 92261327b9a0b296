"""What is asked of the VC-API's verifier, and what it answers."""

from typing import Any

import httpx

from shared.credentials import PrivateKey, encode_multikey, sign
from tests.fixtures.api import Api, Institution, expect
from tests.integration.paper_issuer import utc_now
from tests.integration.vc_api.securing import V2, Document


async def dids(api: Api, tenant: Institution) -> dict[str, str]:
    listed = expect(200, await api.http.get(f"{api.urls['issuer']}/v1/keys", headers=tenant.headers))["items"]
    return {key["algorithm"]: key["did_key"] for key in listed if key["state"] == "active"}


async def post(api: Api, path: str, body: Document) -> httpx.Response:
    return await api.http.post(api.urls["verifier"] + path, json=body)


async def verify(api: Api, document: Document, prefix: str = "", **options: Any) -> Document:
    """The answer, whose status has to say the same as `verified`."""
    body = {"verifiableCredential": document, **({"options": options} if options else {})}
    answer = await post(api, f"{prefix}/credentials/verify", body)
    found: Document = answer.json()
    assert answer.status_code == (200 if found["verified"] else 400), answer.text
    return found


def kinds(answer: Document) -> list[str]:
    return [problem["code"] for problem in answer["problemDetails"]]


def did_of(key: PrivateKey) -> tuple[str, str]:
    multikey = encode_multikey(key.public_key())
    return f"did:key:{multikey}", f"did:key:{multikey}#{multikey}"


def presentation(key: PrivateKey, credentials: list[Document], **proof: Any) -> Document:
    did, method = did_of(key)
    document = {
        "@context": [V2],
        "type": ["VerifiablePresentation"],
        "holder": did,
        "verifiableCredential": credentials,
    }
    return sign(
        document,
        key=key,
        verification_method=method,
        cryptosuite="eddsa-rdfc-2022",
        created=utc_now(),
        **{"purpose": "authentication", **proof},
    )


async def show(api: Api, document: Document, prefix: str = "", **options: Any) -> Document:
    body = {"verifiablePresentation": document, "options": options}
    answer = await post(api, f"{prefix}/presentations/verify", body)
    found: Document = answer.json()
    assert answer.status_code == (200 if found["verified"] else 400), answer.text
    return found


async def derived(api: Api, secured: Document, *pointers: str) -> httpx.Response:
    body = {"verifiableCredential": secured, "options": {"selectivePointers": list(pointers)}}
    return await post(api, "/credentials/derive", body)
