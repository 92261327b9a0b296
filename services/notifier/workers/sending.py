"""One attempt as a chain of typed steps: claimed → prepared (signed) → answered (sent) → outcome (judged)."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import structlog
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.util.types import AttributeValue

from services.notifier.domain.delivery import Delivered, Exhausted, Response, RetryAt, Schedule, decide
from services.notifier.domain.rendering import Saying, render
from services.notifier.domain.signature import Key, headers
from services.notifier.store.deliveries import Claimed, Outcome
from services.notifier.store.secrets import Carried
from shared.http.outbound import OutboundClient, OutboundError
from shared.telemetry import metrics
from shared.telemetry.tracing import inject, span_from

log = structlog.get_logger()

ANSWER_BYTES = 4096
_STATES = {Delivered: "delivered", RetryAt: "pending", Exhausted: "exhausted"}
_UNSIGNED = "no-signing-key"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A delivery in its endpoint's format, with its signature; nothing else can be sent."""

    claimed: Claimed
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """A delivery that was attempted. `text` is the beginning of the answer."""

    claimed: Claimed
    response: Response
    text: str
    started_at: datetime
    seconds: float


def prepare(claimed: Claimed, keys: Sequence[Key], own: Mapping[str, str], now: datetime) -> Prepared:
    """Render the message and sign it for this attempt, with at least one key; `own` are the endpoint's own headers."""
    saying = Saying(claimed.type, claimed.event_id, claimed.created_at, claimed.body, claimed.full_data)
    rendered = render(saying, claimed.format)
    signed = headers(claimed.message_id, int(now.timestamp()), rendered.body, keys)
    return Prepared(claimed, {**own, **rendered.headers, **signed}, rendered.body)


class Sender:
    """Sends deliveries; an HTTP answer, whatever it is, is an outcome and never an exception."""

    def __init__(
        self, client: OutboundClient, schedule: Schedule, timeout: float, clock: Callable[[], datetime]
    ) -> None:
        self._client, self._schedule, self._timeout, self._clock = client, schedule, timeout, clock

    async def send(self, claimed: Claimed, carried: Carried) -> Outcome:
        """Sign, POST once, and decide what follows. Without a key nothing is sent, which counts as a failure."""
        now = self._clock()
        if keys := carried.valid(now):
            answered = await self._post(prepare(claimed, keys, carried.headers, now), now)
        else:
            answered = Answered(claimed, Response(None, {}, _UNSIGNED), "", now, 0.0)
        outcome = self._judge(answered)
        _tell(outcome, answered.seconds)
        return outcome

    async def _post(self, prepared: Prepared, now: datetime) -> Answered:
        claimed, started = prepared.claimed, time.perf_counter()
        attributes: dict[str, AttributeValue] = {
            "http.request.method": "POST",
            "http.request.resend_count": claimed.attempt - 1,
            "server.address": urlsplit(claimed.url).hostname or "",
            "messaging.message.id": claimed.message_id,
        }
        with span_from(claimed.traceparent, "POST webhook", SpanKind.CLIENT, attributes) as span:
            sent = dict(prepared.headers)
            inject(sent)
            response, text = await self._exchange(claimed.url, prepared.body, sent)
            if response.status is not None:
                span.set_attribute("http.response.status_code", response.status)
            if not response.ok:
                span.set_attribute("error.type", response.error or str(response.status))
                span.set_status(StatusCode.ERROR)
        return Answered(claimed, response, text, now, time.perf_counter() - started)

    async def _exchange(self, url: str, body: bytes, sent: dict[str, str]) -> tuple[Response, str]:
        try:
            answer = await self._client.post(url, body, sent, timeout=self._timeout, keep=ANSWER_BYTES)
        except OutboundError as error:
            return Response(None, {}, error.code), ""
        text = answer.body.decode("utf-8", "backslashreplace").replace("\x00", "\\x00")
        return Response(answer.status, answer.headers), text

    def _judge(self, answered: Answered) -> Outcome:
        claimed, response = answered.claimed, answered.response
        decision = decide(claimed.attempt, response, self._schedule, self._clock(), random.random())  # noqa: S311
        return Outcome(
            claimed=claimed,
            at=answered.started_at,
            duration_ms=round(answered.seconds * 1000),
            status=response.status,
            error=response.error,
            answer=answered.text,
            state=_STATES[type(decision)],
            next_at=decision.at if isinstance(decision, RetryAt) else None,
        )


def _tell(outcome: Outcome, seconds: float) -> None:
    """Count the attempt, and write its one line: a failure always, a success for who asks for detail."""
    word = "delivered" if outcome.ok else outcome.error or "refused"
    metrics.WEBHOOK_ATTEMPTS.labels(word).inc()
    metrics.WEBHOOK_ATTEMPT_SECONDS.observe(seconds)
    say = log.debug if outcome.ok else log.info
    say(
        "delivery.attempted",
        message_id=outcome.claimed.message_id,
        endpoint_id=str(outcome.claimed.endpoint_id),
        event_type=outcome.claimed.type,
        attempt=outcome.claimed.attempt,
        status=outcome.status,
        error=outcome.error,
        duration_ms=outcome.duration_ms,
        next=outcome.state,
    )
