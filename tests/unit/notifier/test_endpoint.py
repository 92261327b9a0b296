"""Rules about endpoints: headers of their own, challenges, moving, rotation."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import orjson
import pytest

from services.notifier.domain.challenge import challenge_body, is_answered, new_challenge
from services.notifier.domain.custom_headers import ForbiddenHeader, check_headers
from services.notifier.domain.endpoint import Endpoint, EndpointState, Secret, check_rotation, moved_away
from services.notifier.domain.errors import TooManySecrets

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Host", "evil"),
        ("HOST", "evil"),
        ("content-type", "text/plain"),
        ("Content-Length", "0"),
        ("Webhook-Signature", "v1,forged"),
        ("ce-id", "x"),
        ("TraceParent", "x"),
        ("Connection", "close"),
        ("Transfer-Encoding", "chunked"),
        ("Proxy-Authorization", "x"),
        ("User-Agent", "x"),
        ("", "x"),
        ("a b", "x"),
        ("a:b", "x"),
        ("a\r\nb", "x"),
        ("é", "x"),
        ("x" * 101, "x"),
        ("X-Token", ""),
        ("X-Token", " x"),
        ("X-Token", "x "),
        ("X-Token", "a\r\nwebhook-id: b"),
        ("X-Token", "a\nb"),
        ("X-Token", "a\x00b"),
        ("X-Token", "a\x7f"),
        ("X-Token", "é"),
    ],
)
def test_a_header_that_is_ours_or_would_break_the_request_is_refused(name: str, value: str) -> None:
    with pytest.raises(ForbiddenHeader) as refused:
        check_headers({"X-Good": "1", name: value})
    assert refused.value.name == name


def test_headers_of_ones_own_are_taken() -> None:
    check_headers({"Authorization": "Bearer a.b-c==", "X-Tenant": "a b", "x_y": "~"})
    with pytest.raises(ForbiddenHeader):
        check_headers({"X-Tenant": "1", "x-tenant": "2"})


def test_a_challenge_is_answered_by_itself_alone() -> None:
    challenge, endpoint = new_challenge(), uuid4()
    body = orjson.loads(challenge_body(endpoint, challenge, NOW))
    assert body["type"] == "endpoint.challenge"
    assert body["data"] == {"endpoint_id": str(endpoint), "challenge": challenge}
    assert is_answered(challenge, orjson.dumps({"challenge": challenge, "more": 1}))
    for answer in (b"", b"ok", challenge.encode(), b"[]", b'{"challenge":7}', b'{"challenge":"\xc3\xa9"}'):
        assert not is_answered(challenge, answer)
    assert not is_answered(challenge, orjson.dumps({"challenge": new_challenge()}))


@pytest.mark.parametrize(
    ("state", "must_verify", "after"),
    [
        ("active", True, "unverified"),
        ("active", False, "active"),
        ("paused", True, "paused"),
        ("disabled", True, "disabled"),
        ("unverified", False, "unverified"),
    ],
)
def test_who_moves_has_to_be_verified_anew(state: EndpointState, must_verify: bool, after: EndpointState) -> None:
    endpoint = Endpoint(
        id=uuid4(), institution_id=uuid4(), url="u", events=["*"], created_at=NOW, state=state, verified_at=NOW
    )
    moved = moved_away(endpoint, must_verify=must_verify)
    assert (moved.state, moved.verified_at) == (after, None)


def test_at_most_three_old_secrets_live_and_the_next_end_is_told() -> None:
    ends = [NOW + timedelta(hours=hours) for hours in (3, 1, 2)]
    live = [Secret(n, "v1", end) for n, end in enumerate(ends)] + [Secret(9, "v1", None), Secret(10, "v1a", None)]
    check_rotation(live[1:], timedelta(days=1), NOW)
    with pytest.raises(TooManySecrets, match="2026-03-01T13:00:00") as refused:
        check_rotation(live, timedelta(seconds=1), NOW)
    assert refused.value.retry_after == 3600


def test_a_rotation_that_ends_them_all_is_never_one_too_many() -> None:
    check_rotation([Secret(n, "v1", NOW + timedelta(days=7)) for n in range(4)], timedelta(0), NOW)
