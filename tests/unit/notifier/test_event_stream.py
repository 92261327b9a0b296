"""What a stream says while nothing comes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.notifier.api import events
from services.notifier.store.feed import Stretch
from shared.postgres.database import Unavailable


class Still:
    """A way along a feed on which nothing of the wanted types comes, until `ends` stretches were read."""

    def __init__(self, ends: int = 1, passed: int = 0, away: bool = False) -> None:
        self.place, self.over = 7, False
        self._ends, self._passed, self._away = ends, passed, away

    def cursor(self, place: int | None = None) -> str:
        return f"c{self.place if place is None else place}"

    async def go_on(self, _limit: int) -> Stretch:
        if self._away:
            raise Unavailable
        self.place += self._passed
        return Stretch([], self.place, False)

    async def wait(self, _seconds: float) -> bool:
        await asyncio.sleep(0.001)
        self._ends -= 1
        self.over = self._ends == 0
        return False


async def said(reading: Any, monkeypatch: pytest.MonkeyPatch, seconds: float) -> list[bytes]:
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", seconds)
    stream: AsyncIterator[bytes] = events._events(reading)
    return [chunk async for chunk in stream]


async def test_a_comment_comes_now_and_then_with_the_place_where_it_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    opening, *beats = await said(Still(ends=4, passed=5), monkeypatch, 0)
    assert opening == b"retry: 2000\n\nid: c7\n\n"
    assert beats == [b": still here\n\nid: c12\n\n"] + [b": still here\n\n"] * 3


async def test_no_comment_comes_before_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(await said(Still(ends=4), monkeypatch, 60)) == 1


async def test_a_database_that_is_away_ends_the_stream_and_the_client_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert len(await said(Still(away=True), monkeypatch, 0)) == 1
