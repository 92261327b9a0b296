"""Digital Bazaar's library behind HTTP, which bench measures ours against: it signs and verifies, and refuses."""

import httpx
import pytest

from bench.suites_http import PATHS, unsigned
from tests.fixtures.node_peer import NodePeer
from tests.interop.issuers import SUITES, Issuer, verify


@pytest.mark.parametrize(
    "suite", ["eddsa-rdfc-2022", "eddsa-jcs-2022", "ecdsa-rdfc-2019 P-256", "ecdsa-jcs-2019 P-256"]
)
def test_their_server_issues_and_verifies_what_it_is_sent(node_peer: NodePeer, suite: str) -> None:
    name, algorithm = SUITES[suite]
    issuer = Issuer.new(algorithm)
    port = node_peer.ask("serve", keys={name: issuer.jwk})["port"]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, verify=False) as client:
        issued = client.post(PATHS["sign"], json=unsigned(issuer.did, name))
        assert issued.status_code == 201, issued.text
        signed = issued.json()["verifiableCredential"]
        verify(signed)
        good = client.post(PATHS["verify"], json={"verifiableCredential": signed})
        assert (good.status_code, good.json()) == (200, {"verified": True})
        bad = client.post(PATHS["verify"], json={"verifiableCredential": {**signed, "name": "another"}})
        assert (bad.status_code, bad.json()["verified"]) == (400, False)
        assert client.post(PATHS["sign"], content=b"{").status_code == 400
