"""`laurel listen`: an institution's or a platform's events, sent as signed webhooks to a URL of one's own."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp

from services.cli.client import ApiError, Client, open_client
from services.cli.event_stream import EventParser, ServerEvent
from services.cli.output import UserError, complain, say
from services.cli.up import StopSignals
from services.notifier.domain.signature import Key, headers, key_of, new_secret

OLDEST = "oldest"
UNUSABLE = 2
ANSWER_SECONDS = 15.0  # what a platform is given in earnest
LONGEST_PAUSE = 30.0


@dataclass(frozen=True, slots=True)
class Account:
    """The client that listens, and where its tokens come from."""

    issuer: str
    client_id: str
    client_secret: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What to listen to: `since` is `now`, `oldest` or the id of an event, to go on after it. No types are all."""

    notifier: str
    types: Sequence[str]
    since: str

    @property
    def url(self) -> str:
        """The stream's address."""
        return f"{self.notifier}/v1/events/stream"

    @property
    def query(self) -> list[tuple[str, str]]:
        """What to ask it for."""
        after = [] if self.since == OLDEST else [("after", self.since)]
        return [*after, *(("types", name) for name in self.types)]


async def run(account: Account, wish: Wish, to: str, secret: str | None) -> int:
    """Print the secret, forward until SIGINT or SIGTERM, and return 0. Raises UserError."""
    require_url(to)
    secret = secret or new_secret()
    stop = StopSignals()
    async with open_client() as client, aiohttp.ClientSession() as session:
        forwarder = Forwarder(session, to, signing_key(secret))
        say(f"signing secret: {secret}")
        listening = asyncio.create_task(Listener(client, account, wish, forwarder).listen())
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({listening, stopped}, return_when=asyncio.FIRST_COMPLETED)
        listening.cancel()
        stopped.cancel()
        await asyncio.wait({listening, stopped})
        if not listening.cancelled():
            listening.result()
    return 0


class Forwarder:
    """Sends events on, one after the other, each once."""

    def __init__(self, session: aiohttp.ClientSession, to: str, key: Key) -> None:
        self.to = to
        self._session = session
        self._key = key

    async def forward(self, event: ServerEvent) -> None:
        """POST one event and print what came of it."""
        body = event.data.encode()
        signed = headers(event.id, int(time.time()), body, [self._key])
        say(f"{event.type}  {event.id}  {await self._post(body, {'content-type': 'application/json', **signed})}")

    async def _post(self, body: bytes, signed: dict[str, str]) -> str:
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        try:
            async with self._session.post(
                self.to, data=body, headers=signed, timeout=timeout, allow_redirects=False
            ) as answer:
                return str(answer.status)
        except (aiohttp.ClientError, TimeoutError) as error:
            return f"no answer ({type(error).__name__})"


class Listener:
    """Reads the stream, over as many connections and with as many tokens as it takes."""

    def __init__(self, client: Client, account: Account, wish: Wish, forwarder: Forwarder) -> None:
        self._client = client
        self._account = account
        self._wish = wish
        self._forwarder = forwarder
        self._signed_in: Client | None = None
        self._events = EventParser()
        self._failures = 0

    async def listen(self) -> None:
        """Go on until cancelled. Raises ApiError where nothing was heard yet, or where waiting does not help."""
        while True:
            try:
                await self._connection()
            except ApiError as error:
                old_token = self._signed_in is not None and error.status == 401
                if not self._events.last_id or not (old_token or passes(error)):
                    raise
                if old_token:
                    self._signed_in = None
                complain(f"{error}; connecting again")
                self._failures += 1
            await asyncio.sleep(pause(self._events.retry, self._failures))

    async def _connection(self) -> None:
        if self._signed_in is None:
            account = self._account
            self._signed_in = await self._client.sign_in(account.issuer, account.client_id, account.client_secret)
        began, self._events = not self._events.last_id, EventParser(self._events.last_id, self._events.retry)
        place = {"Last-Event-ID": self._events.last_id} if self._events.last_id else {}
        async with self._signed_in.stream(self._wish.url, self._wish.query, place) as answer:
            if began:
                say(f"listening; events go to {self._forwarder.to}; Ctrl-C ends it")
            self._failures = 0
            async for chunk in answer.content.iter_any():
                for event in self._events.feed(chunk):
                    await self._forwarder.forward(event)


def passes(error: ApiError) -> bool:
    """Whether the same request may succeed later."""
    return error.status in (0, 429) or error.status >= 500


def pause(retry: float, failures: int) -> float:
    """Seconds until the next connection: what the server asks for, doubled with each failure in a row, to a bound."""
    return float(min(retry * 2 ** min(failures, 10), max(retry, LONGEST_PAUSE)))


def require_url(to: str) -> None:
    """Raise UserError unless requests can go there."""
    try:
        parts = urlsplit(to)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise UserError(f"{to} is not an http or https URL", UNUSABLE)


def signing_key(secret: str) -> Key:
    """The key of a `whsec_` secret. Raises UserError for what is none."""
    try:
        return key_of(secret)
    except ValueError as error:
        raise UserError(str(error), UNUSABLE) from None
