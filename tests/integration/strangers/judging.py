"""What is asked of the verifier about a stranger's credential, and what it answers."""

from typing import Any

import httpx

from shared.credentials import status_list_entry
from tests.integration.strangers.foreign_site import ForeignSite


def entry(site: ForeignSite, path: str, index: int = 5, purpose: str = "revocation") -> list[dict[str, Any]]:
    return [status_list_entry(f"{site.url}{path}", index, purpose)]  # type: ignore[arg-type]


async def verify(http: httpx.AsyncClient, document: Any) -> dict[str, Any]:
    answer = await http.post("/v1/verify", json={"credential": document})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def check(body: dict[str, Any], name: str) -> tuple[str, str | None]:
    found = next(each for each in body["checks"] if each["check"] == name)
    kind = found["problem"]["type"] if "problem" in found else None
    return found["outcome"], kind.rpartition("/")[2].rpartition("#")[2] if kind else None
