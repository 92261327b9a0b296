"""What `laurel listen` does without a network: reading a stream, when to connect again, what it takes for a URL."""

import pytest

from services.cli.client import ApiError
from services.cli.event_stream import EventParser, ServerEvent
from services.cli.listen import Wish, passes, pause, require_url, signing_key
from services.cli.output import UserError
from services.notifier.domain.signature import new_secret
from shared.http.streams import HEARTBEAT, event, opening, place_mark

BODY = '{"type":"credential.issued","name":"Zoë"}'.encode()


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_a_stream_is_read_however_it_is_cut(size: int) -> None:
    sent = opening(500) + place_mark("a") + event("b", "credential.issued", BODY) + HEARTBEAT + place_mark("c")
    sent += event("d", "credential.revoked", b"{\n}") + b"id: e\nevent: half"
    parser = EventParser()
    found = [one for start in range(0, len(sent), size) for one in parser.feed(sent[start : start + size])]
    assert found == [
        ServerEvent("b", "credential.issued", BODY.decode()),
        ServerEvent("d", "credential.revoked", "{\n}"),
    ]
    assert parser.retry == 0.5


def test_the_place_moves_without_an_event() -> None:
    parser = EventParser("before", 3.0)
    assert list(parser.feed(HEARTBEAT)) == []
    assert (parser.last_id, parser.retry) == ("before", 3.0)
    assert list(parser.feed(place_mark("after"))) == []
    assert parser.last_id == "after"


def test_other_peoples_streams_are_read_too() -> None:
    (found,) = EventParser().feed(b"retry: soon\r\nother: 1\r\ndata\r\ndata:x\r\n\r\n")
    assert found == ServerEvent("", "message", "\nx")


def test_pauses_grow_to_a_bound_and_start_as_the_server_asks() -> None:
    assert [pause(2.0, failures) for failures in (0, 1, 2, 3, 4, 50)] == [2, 4, 8, 16, 30, 30]
    assert pause(60.0, 3) == 60.0


def test_what_waiting_mends() -> None:
    assert all(passes(ApiError("", status)) for status in (0, 429, 500, 503))
    assert not any(passes(ApiError("", status)) for status in (400, 401, 403, 404, 422))


def test_where_to_begin() -> None:
    assert Wish("http://n", ["a", "b"], "now").query == [("after", "now"), ("types", "a"), ("types", "b")]
    assert Wish("http://n", (), "oldest").query == []


@pytest.mark.parametrize("to", ["localhost:9000", "ftp://localhost/hook", "http://", "http://[::1", "http://h:99999/"])
def test_what_is_no_url_is_refused(to: str) -> None:
    with pytest.raises(UserError):
        require_url(to)


def test_what_is_no_secret_is_refused() -> None:
    assert signing_key(new_secret())
    for secret in ("whsec_short", "whsec_!", "secret"):
        with pytest.raises(UserError):
            signing_key(secret)
