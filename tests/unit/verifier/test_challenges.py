"""Challenges that say by themselves whether they are ours and still good."""

from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

import pytest

from services.verifier.commands.challenges import LASTS, Challenges

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Answered:
    """Stands for the database: remembers what was answered, as the table does."""

    def __init__(self) -> None:
        self.kept: set[str] = set()

    def worker(self) -> Self:
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        return None

    async def execute(self, _: str) -> None:
        return None

    async def fetchval(self, _: str, challenge: str, __: datetime) -> bool | None:
        if challenge in self.kept:
            return None
        self.kept.add(challenge)
        return True


def challenges(db: Any, secret: str = "s" * 16, now: datetime = NOW) -> Challenges:
    return Challenges(db, secret, lambda: now)


async def test_a_challenge_is_answered_once_by_any_replica() -> None:
    db = Answered()
    given = challenges(db).give()
    assert await challenges(db).take(given) is True
    assert await challenges(db).take(given) is False
    assert given != challenges(db).give()


async def test_giving_one_out_leaves_nothing_behind() -> None:
    db = Answered()
    for _ in range(10):
        challenges(db).give()
    assert not db.kept


@pytest.mark.parametrize("secret", ["another secret!!", "s" * 17])
async def test_one_that_another_secret_made_is_not_ours(secret: str) -> None:
    assert await challenges(Answered(), secret).take(challenges(Answered()).give()) is False


async def test_its_time_is_over_after_ten_minutes_and_cannot_be_prolonged() -> None:
    given = challenges(Answered()).give()
    assert await challenges(Answered(), now=NOW + LASTS).take(given) is True
    assert await challenges(Answered(), now=NOW + LASTS + timedelta(seconds=2)).take(given) is False
    until, rest = given.removeprefix("laurel-").split(".", 1)
    longer = f"laurel-{int(until, 16) + 600:x}.{rest}"
    assert await challenges(Answered()).take(longer) is False


@pytest.mark.parametrize("text", ["laurel-", "laurel-x.y.z", "laurel-ffffffffffffffff.00.AA", "laurel-é.x.y"])
async def test_what_only_looks_like_one_is_refused(text: str) -> None:
    assert await challenges(Answered()).take(text) is False


async def test_a_clients_own_is_the_clients_business() -> None:
    assert await challenges(Answered()).take("thought-of") is True
