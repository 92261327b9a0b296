"""`/docs` needs no other host, and may ask none."""

import re

import httpx


async def test_the_page_and_its_files_name_no_other_host(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<title>Things</title>" in page.text
    assert "//" not in page.text
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(addresses) == 5
    for address in addresses:
        if address.startswith("data:"):
            continue
        answer = await client.get(str(page.url.join(address)))
        assert answer.status_code == 200, address
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_its_policy_allows_this_service_alone_and_nothing_inline(client: httpx.AsyncClient) -> None:
    policy = (await client.get("/docs")).headers["content-security-policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert {source for rule in rules.values() for source in rule.split()} == {"'none'", "'self'", "data:"}
    assert [name for name, sources in rules.items() if "data:" in sources] == ["img-src"]


async def test_the_files_are_swagger_uis_and_are_kept_for_a_day(client: httpx.AsyncClient) -> None:
    script = await client.get("/docs/swagger-ui-bundle.js")
    style = await client.get("/docs/swagger-ui.css")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "SwaggerUIBundle" in script.text
    assert style.headers["content-type"].startswith("text/css")
    assert ".swagger-ui" in style.text
    assert {script.headers["cache-control"], style.headers["cache-control"]} == {"max-age=86400"}
    assert (await client.get("/docs/oauth2-redirect")).status_code == 404


async def test_it_is_no_part_of_what_it_describes(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert [path for path in paths if path.startswith("/docs")] == []
