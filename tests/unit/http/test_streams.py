"""Answers that stay open: their number, and the bytes of server-sent events."""

import pytest

from shared.http.problems import ServiceUnavailable
from shared.http.streams import Places, TooManyStreams, event, opening, place_mark


def test_an_event_is_its_id_its_name_and_its_data_line_by_line() -> None:
    assert event("abc", "credential.issued", b'{"a":1}') == b'id: abc\nevent: credential.issued\ndata: {"a":1}\n\n'
    assert event("abc", "x.y", b"one\ntwo\r\nthree") == b"id: abc\nevent: x.y\ndata: one\ndata: two\ndata: three\n\n"
    assert opening(2000) + place_mark("abc") == b"retry: 2000\n\nid: abc\n\n"


def test_a_place_is_free_again_however_its_answer_ended() -> None:
    places = Places(most=3, most_each=2)
    with places.one("a"), places.one("a"):
        with pytest.raises(TooManyStreams), places.one("a"):
            pass
        with places.one("b"), pytest.raises(ServiceUnavailable), places.one("c"):
            pass
        with pytest.raises(ConnectionError), places.one("b"):
            raise ConnectionError
        with places.one("c"):
            pass
    with places.one("a"), places.one("a"), places.one("b"):
        pass
