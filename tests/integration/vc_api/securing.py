"""What the VC-API's issuer is asked to secure: small credentials, ordinary and unusual."""

from typing import Any

import httpx

from tests.fixtures.api import Api, Institution, expect

V2, V1 = "https://www.w3.org/ns/credentials/v2", "https://www.w3.org/2018/credentials/v1"
EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2"
OWN: dict[str, Any] = {"Diver": "https://dive.example/Diver", "depth": "https://dive.example/depth"}
Document = dict[str, Any]


def credential(by: str, /, **fields: Any) -> Document:
    """A small credential of the data model 2.0."""
    subject = {"id": "did:example:subject", "name": "Ada"}
    made = {
        "@context": [V2, EXAMPLES],
        "type": ["VerifiableCredential"],
        "issuer": by,
        "credentialSubject": subject,
        **fields,
    }
    return {name: value for name, value in made.items() if value is not None}


async def post(api: Api, tenant: Institution, document: Document, **options: Any) -> httpx.Response:
    body = {"credential": document, **({"options": options} if options else {})}
    return await api.http.post(f"{api.urls['issuer']}/credentials/issue", json=body, headers=tenant.headers)


async def issued(api: Api, tenant: Institution, document: Document, **options: Any) -> Document:
    answer = expect(201, await post(api, tenant, document, **options))
    assert list(answer) == ["verifiableCredential"]
    secured: Document = answer["verifiableCredential"]
    return secured


async def keys_of(api: Api, tenant: Institution) -> dict[str, str]:
    """Every key by both its names: in the institution's DID document, and by itself."""
    listed = expect(200, await api.http.get(f"{api.urls['issuer']}/v1/keys", headers=tenant.headers))["items"]
    own = {key["verification_method"]: key["public_key_multibase"] for key in listed}
    return own | {f"{key['did_key']}#{key['public_key_multibase']}": key["public_key_multibase"] for key in listed}


async def add_key(api: Api, tenant: Institution, algorithm: str) -> Document:
    url = f"{api.urls['issuer']}/v1/keys"
    return expect(201, await api.http.post(url, json={"algorithm": algorithm}, headers=tenant.headers))


UNUSUAL: dict[str, Document] = {
    "no dates, no id": {},
    "two subjects": {"credentialSubject": [{"id": "did:example:a", "name": "A"}, {"name": "B", "list": [1, 2.5]}]},
    "contexts and types of its own": {
        "@context": [V2, OWN],
        "type": ["VerifiableCredential", "Diver"],
        "credentialSubject": {"depth": {"@value": "30", "@type": "https://dive.example/metres"}},
    },
    "URLs as types": {"@context": [V2], "type": ["VerifiableCredential", "https://dive.example/Diver"]},
    "foreign entries": {
        "credentialStatus": {"id": "https://s.example/1", "type": "StrangeStatus", "list": "https://s.example/l"},
        "credentialSchema": [{"id": "https://s.example/2", "type": "StrangeSchema"}],
        "evidence": [{"type": "StrangeEvidence", "note": "seen"}],
        "refreshService": {"type": "StrangeRefresh", "id": "https://s.example/3"},
        "termsOfUse": {"type": "StrangeTerms", "id": "https://s.example/4"},
    },
    "languages": {
        "name": [{"@value": "Diver", "@language": "en"}, {"@value": "غواص", "@language": "ar", "@direction": "rtl"}],
        "description": {"@value": "Taucher", "@language": "de"},
    },
    "offsets": {"validFrom": "2026-03-01T01:30:00+14:00", "validUntil": "2999-02-28T11:30:00.5-11:30"},
    "over long ago": {"validFrom": "1999-01-01T00:00:00Z", "validUntil": "2000-01-01T00:00:00Z"},
    "not yet": {"validFrom": "2999-01-01T00:00:00Z"},
    "a resource with its digest": {
        "relatedResource": {
            "id": V2,
            "digestSRI": "sha256-WZVc7WaX1h4D8rJVb+vlMIqxaEKEb1tYbX8fet7JJzQ=",
            "mediaType": "application/ld+json",
        }
    },
}
