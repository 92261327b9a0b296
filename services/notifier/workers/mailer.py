"""Sends letters: takes one that is due, writes it out, hands it on, records it. Several mailers share one queue.

What is being sent when the process dies is sent again when its lease runs out, under the same Message-ID: letters are
at least once.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from services.notifier.commands.record_try import record_try
from services.notifier.domain.delivery import Schedule
from services.notifier.domain.letter import ClaimedLetter
from services.notifier.domain.mail import Parcel
from services.notifier.domain.pace import Pace
from services.notifier.domain.posting import Reply, Settled, lease_of, settle
from services.notifier.store import letter_queue
from services.notifier.store.letter_queue import Try
from services.notifier.workers.writing import Ready, Writer
from shared.postgres.database import Database, Unavailable
from shared.telemetry import metrics

log = structlog.get_logger()

LANES = 4
POLL_SECONDS = 1.0
_BACKOFF = (0.5, 30.0)


class Postman(Protocol):
    """What takes letters away."""

    async def post(self, parcel: Parcel) -> Reply:
        """How far it came; never raises for what a server does."""
        ...

    async def rest(self) -> None:
        """There is nothing to send for a while."""
        ...

    def close(self) -> None:
        """Let go of everything at once."""
        ...


@dataclass(frozen=True, slots=True)
class Rules:
    """`timeout` is seconds for one letter, `per_minute` this process's limit, 0 for none."""

    timeout: float
    per_minute: float
    schedule: Schedule


class Mailer:
    """A component: lanes side by side, each with a postman of its own."""

    name = "mailer"

    def __init__(
        self, db: Database, writer: Writer, postmen: Callable[[], Postman], rules: Rules, clock: Callable[[], datetime]
    ) -> None:
        self._db, self._writer, self._postmen, self._rules, self._clock = db, writer, postmen, rules, clock
        self._pace = Pace(rules.per_minute)
        self._gate = asyncio.Lock()
        self._wake, self._stopping, self._done = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.trouble: str | None = None

    def wake(self) -> None:
        """There may be something to send."""
        self._wake.set()

    async def run(self) -> None:
        """Send until `stop`; an outage of the database or the mail server is waited out."""
        lanes = [asyncio.create_task(self._lane()) for _ in range(LANES)]
        try:
            await asyncio.gather(*lanes)
        finally:
            for lane in lanes:
                lane.cancel()
            await asyncio.gather(*lanes, return_exceptions=True)
            self._done.set()

    async def stop(self) -> None:
        """Take nothing more; what is being sent may land within 2 s, else it is sent again by another."""
        self._stopping.set()
        self._wake.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._done.wait(), 2)

    async def _lane(self) -> None:
        postman, wait = self._postmen(), _BACKOFF[0]
        try:
            while not self._stopping.is_set():
                try:
                    reached = await self._next(postman)
                except Unavailable as error:
                    self.trouble, reached = str(error), False
                if reached:
                    wait = _BACKOFF[0]
                else:
                    await self._pause(wait * random.uniform(0.8, 1.2))  # noqa: S311 (jitter)
                    wait = min(wait * 2, _BACKOFF[1])
        finally:
            postman.close()

    async def _next(self, postman: Postman) -> bool:
        """Send one letter, or wait a moment for one; False when the server could not be reached."""
        letter = await self._claim()
        if letter is None:
            await postman.rest()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)
            return True
        return await self._send(letter, postman)

    async def _claim(self) -> ClaimedLetter | None:
        """The next letter at the pace that is allowed, or None when none is due."""
        async with self._gate:
            await self._pause(self._pace.wait(time.monotonic()))
            if self._stopping.is_set():
                return None
            self._wake.clear()
            async with self._db.worker_connection() as connection:
                letter = await letter_queue.claim(connection, lease_of(self._rules.timeout))
            if letter is not None:
                self._pace.sent(time.monotonic())
                self._wake.set()  # the other lanes may find one, too
            return letter

    async def _send(self, letter: ClaimedLetter, postman: Postman) -> bool:
        """One try, recorded. False when the server could not be reached, for letters after it would fare the same."""
        started, at = time.perf_counter(), self._clock()
        ready = await self._written(letter, at)
        if isinstance(ready, Ready):
            reply = await postman.post(ready.parcel)
            away = reply.stage == "connection"
            self.trouble = f"the mail server: {reply.error or reply.code}" if away else None
            settled = settle(letter.tries, reply, self._rules.schedule, self._clock(), random.random())  # noqa: S311
        elif isinstance(ready, Settled):
            away, reply, settled = False, Reply("connection", error=ready.reason), ready
        else:
            away, reply = False, ready
            settled = settle(letter.tries, reply, self._rules.schedule, self._clock(), random.random())  # noqa: S311
        seconds = time.perf_counter() - started
        await self._record(_try_of(letter, at, seconds, reply, settled, ready), settled, ready)
        return not away

    async def _record(self, done: Try, settled: Settled, ready: Ready | Settled | Reply) -> None:
        """What was sent is sent: while the database is away its result waits, for as long as the process may."""
        index = ready.index if isinstance(ready, Ready) else None
        plain = not settled.dead and not done.letter.vouched  # a single statement
        while True:
            try:
                async with self._db.worker_connection() if plain else self._db.worker() as tx:
                    await record_try(tx, done, index=index, dead=settled.dead)
                break
            except Unavailable as error:
                self.trouble = str(error)
                if self._stopping.is_set():
                    return
                await self._pause(_BACKOFF[0])
        _tell(done)

    async def _written(self, letter: ClaimedLetter, now: datetime) -> Ready | Settled | Reply:
        try:
            return await self._writer.write(letter, now)
        except Unavailable:
            raise
        except Exception:  # a fault of ours in one letter keeps no other from going out
            log.exception("letter.not_written", letter_id=str(letter.id), kind=letter.kind)
            return Reply("connection", error="not-written")

    async def _pause(self, seconds: float) -> None:
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), seconds)


def _try_of(
    letter: ClaimedLetter, at: datetime, seconds: float, reply: Reply, settled: Settled, ready: Ready | Settled | Reply
) -> Try:
    return Try(
        letter=letter,
        at=at,
        duration_ms=round(seconds * 1000),
        code=reply.code,
        status=reply.status,
        error=reply.error,
        state=settled.state,
        reason=settled.reason,
        next_at=settled.next_at,
        language=ready.language if isinstance(ready, Ready) else None,
    )


def _tell(done: Try) -> None:
    """Count the try, and write its one line, which names nobody."""
    metrics.MAIL_ATTEMPTS.labels(done.letter.kind, done.state).inc()
    metrics.MAIL_ATTEMPT_SECONDS.observe(done.duration_ms / 1000)
    log.info(
        "letter.attempted",
        letter_id=str(done.letter.id),
        kind=done.letter.kind,
        attempt=done.letter.attempt,
        code=done.code,
        status=done.status,
        error=done.error,
        duration_ms=done.duration_ms,
        next=done.state,
    )
