"""Codes, tokens, and which requests for a link are dealt with."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.registry.domain.addresses import Addresses
from services.registry.domain.claim import Request, digest, done, is_news, new_code, new_token, occasions_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
A, B, C = (UUID(int=n) for n in (1, 2, 3))


def test_codes_and_tokens_are_256_random_bits_that_fit_an_address() -> None:
    made = {make() for make in (new_code, new_token) for _ in range(500)}
    assert len(made) == 1000
    assert all(re.fullmatch("(lrt_)?[A-Za-z0-9_-]{43}", secret) for secret in made)
    assert len({digest(secret) for secret in made}) == 1000


def test_a_link_has_its_secret_where_no_server_sees_it() -> None:
    link = Addresses("https://registry.example", "").claim(A, "code")
    address, _, fragment = link.partition("#")
    assert address == "https://registry.example/claim"
    assert fragment == f"{A}.code"


def test_what_is_older_than_a_topic_keeps_is_no_news() -> None:
    assert is_news(NOW - timedelta(days=14), NOW)
    assert is_news(NOW + timedelta(minutes=1), NOW), "another machine's clock may be ahead"
    assert not is_news(NOW - timedelta(days=14, seconds=1), NOW)


def test_a_new_credential_is_new_whoever_asks_for_it_meanwhile() -> None:
    requests = [Request(1, A, "asked"), Request(2, A, "issued"), Request(3, A, "asked"), Request(4, B, "asked")]
    assert occasions_of(requests) == {A: "issued", B: "asked"}


def test_requests_wait_while_somebody_else_is_at_work_on_their_credential() -> None:
    requests = [Request(1, A, "asked"), Request(2, B, "asked"), Request(3, C, "asked"), Request(4, A, "asked")]
    assert done(requests, known={A, B}, held={A}) == [1, 3, 4]
