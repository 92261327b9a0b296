"""What strangers publish in tokens: status lists of theirs, and which of them are believed."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from shared.credentials import (
    MIN_ENTRIES,
    PrivateKey,
    StatusList,
    build_status_list_credential,
    encode_jwk,
    envelope,
    generate,
    secure_sd_token,
    secure_token,
)
from shared.credentials.jws import make_jws
from tests.integration.paper_issuer import PaperIssuer, utc_now
from tests.integration.strangers.foreign_site import ForeignSite, issuer_on
from tests.integration.strangers.judging import check, entry, verify

VC_JWT, VC_SD_JWT = "application/vc+jwt", "application/vc+sd-jwt"
REVOKED = 5


@pytest.fixture(params=["Ed25519", "P-256", "P-384"])
def stranger(site: ForeignSite, request: pytest.FixtureRequest) -> PaperIssuer:
    """An issuer whose DID document is on the site; it signs its credentials with the first key, lists with the last."""
    return issuer_on(site, generate("Ed25519"), generate(request.param))


def token(
    issuer: PaperIssuer,
    url: str,
    *,
    disclosable: tuple[str, ...] | None = None,
    key: PrivateKey | None = None,
    expires: datetime | None = None,
    change: Mapping[str, Any] | None = None,
) -> str:
    """A status list in a token, in which one position is set; with disclosures where there are pointers to some."""
    now, bits = utc_now(), StatusList(bytes(MIN_ENTRIES // 8))
    bits.set(REVOKED, True)
    hour = timedelta(hours=1)
    document = build_status_list_credential(
        list_id=url,
        issuer=issuer.did,
        purpose="revocation",
        status_list=bits,
        valid_from=now - hour,
        valid_until=now + hour,
    )
    own: dict[str, Any] = {"key": key or issuer.keys[-1], "verification_method": issuer.method, "created": now}
    if disclosable is not None:
        return secure_sd_token({**document, "name": "List"}, disclosable, expires=expires, **own)
    return secure_token({**document, **(change or {})}, expires=expires, **own)


async def told(http: httpx.AsyncClient, site: ForeignSite, issuer: PaperIssuer, path: str, index: int) -> Any:
    """What is said of the status at a position of the list."""
    document = issuer.issue(status=entry(site, path, index), key=issuer.keys[0], method=f"{issuer.did}#key-1").document
    return check(await verify(http, document), "status")


WAYS: dict[str, tuple[str, tuple[str, ...] | None]] = {
    "as its type": (VC_JWT, None),
    "with nothing withheld": (VC_SD_JWT, ()),
    "with a disclosure": (VC_SD_JWT, ("/name",)),
    "as text": ("text/plain", None),
    "as bytes": ("application/octet-stream", None),
    "in an envelope": ("application/vc", None),
    "in an envelope with disclosures": ("application/json", ("/name",)),
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_list_in_a_token_decides(
    http: httpx.AsyncClient, site: ForeignSite, stranger: PaperIssuer, way: str
) -> None:
    kind, disclosable = WAYS[way]
    path = f"/l/{uuid4().hex}"
    text = token(stranger, f"{site.url}{path}", disclosable=disclosable)
    site.put(path, envelope(text) if "envelope" in way else f"{text}\n".encode(), kind)
    assert await told(http, site, stranger, path, REVOKED) == ("fail", "credential-revoked")
    assert await told(http, site, stranger, path, REVOKED + 1) == ("pass", None)
    assert site.requests[path] == 1


def wrong(case: str, issuer: PaperIssuer, url: str) -> tuple[Any, str]:
    """What the list's address answers with, and as what."""
    good = token(issuer, url)
    head, body, end = good.split(".")
    jwk = encode_jwk(issuer.keys[-1].public_key())
    header = {"typ": "vc+jwt", "kid": issuer.method}
    payload = b'{"issuer": "x"}'
    answers: dict[str, tuple[Any, str]] = {
        "a token that is said to be JSON": (good.encode(), "application/json"),
        "JSON that is said to be a token": (issuer.status_list(url, StatusList(bytes(MIN_ENTRIES // 8))), VC_JWT),
        "a page": (b"<html>eyJ</html>", "text/html"),
        "a token in a page": (good.encode(), "text/html"),
        "two tokens": (f"{good} {good}".encode(), VC_JWT),
        "too large": (good.encode() + b"A" * 1_100_000, VC_JWT),
        "another's signature": (f"{head}.{body}.{end[:-8]}AAAAAAAA".encode(), VC_JWT),
        "another key": (token(issuer, url, key=generate("P-256")).encode(), VC_JWT),
        "a key of its own": (make_jws({**header, "jwk": jwk}, payload, issuer.keys[-1]).encode(), VC_JWT),
        "no list": (make_jws(header, payload, issuer.keys[-1]).encode(), VC_JWT),
        "another address": (token(issuer, f"{url}-2").encode(), VC_JWT),
        "a signature that ended": (token(issuer, url, expires=utc_now() - timedelta(seconds=5)).encode(), VC_JWT),
        "over": (token(issuer, url, change={"validUntil": "2020-01-01T00:00:00Z"}).encode(), VC_JWT),
        "another issuer": (token(issuer, url, change={"issuer": "did:web:other.example"}).encode(), VC_JWT),
        "a disclosure of nobody's": (f"{token(issuer, url, disclosable=())}WyJzIiwiYSIsMV0~".encode(), VC_SD_JWT),
        "an envelope of nothing": (envelope("x.y.z"), "application/vc"),
    }
    return answers[case]


RETRIEVAL, VERIFICATION = "STATUS_RETRIEVAL_ERROR", "STATUS_VERIFICATION_ERROR"
CODES = {
    "a token that is said to be JSON": RETRIEVAL,
    "JSON that is said to be a token": RETRIEVAL,
    "a page": RETRIEVAL,
    "a token in a page": RETRIEVAL,
    "two tokens": RETRIEVAL,
    "too large": RETRIEVAL,
    "another's signature": VERIFICATION,
    "another key": VERIFICATION,
    "a key of its own": VERIFICATION,
    "no list": VERIFICATION,
    "another address": VERIFICATION,
    "a signature that ended": VERIFICATION,
    "over": VERIFICATION,
    "another issuer": VERIFICATION,
    "a disclosure of nobody's": VERIFICATION,
    "an envelope of nothing": VERIFICATION,
}


@pytest.mark.parametrize("stranger", ["Ed25519"], indirect=True)
@pytest.mark.parametrize("case", CODES)
async def test_a_token_that_cannot_be_believed_tells_nothing(
    http: httpx.AsyncClient, site: ForeignSite, stranger: PaperIssuer, case: str
) -> None:
    path = f"/l/{uuid4().hex}"
    site.put(path, *wrong(case, stranger, f"{site.url}{path}"))
    for index in (REVOKED, REVOKED + 1):
        assert await told(http, site, stranger, path, index) == ("unknown", CODES[case])
