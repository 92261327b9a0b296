"""One attempt as a chain of typed steps: claimed → prepared (signed) → outcome (sent, judged)."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from opentelemetry.trace import SpanKind, StatusCode

from services.notifier.domain.delivery import Delivered, Exhausted, Gone, Response, RetryAt, Schedule, decide
from services.notifier.domain.signature import headers
from services.notifier.store.deliveries import Claimed, Outcome
from shared.http.outbound import OutboundClient, OutboundError
from shared.telemetry import metrics
from shared.telemetry.tracing import inject, span_from

log = structlog.get_logger()

ANSWER_BYTES = 4096
_STATES = {Delivered: "delivered", RetryAt: "pending", Exhausted: "exhausted", Gone: "exhausted"}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A delivery that cannot be sent unsigned."""

    claimed: Claimed
    headers: dict[str, str]


def prepare(claimed: Claimed, keys: Sequence[bytes], now: datetime) -> Prepared:
    """Sign the body for this attempt."""
    signed = headers(claimed.message_id, int(now.timestamp()), claimed.body, keys)
    return Prepared(claimed, {"content-type": "application/json", **signed})


class Sender:
    """Sends prepared deliveries; an HTTP answer, whatever it is, is an outcome and never an exception."""

    def __init__(
        self, client: OutboundClient, schedule: Schedule, timeout: float, clock: Callable[[], datetime]
    ) -> None:
        self._client, self._schedule, self._timeout, self._clock = client, schedule, timeout, clock

    async def send(self, prepared: Prepared) -> Outcome:
        """POST once and decide what follows."""
        claimed, started_at, started = prepared.claimed, self._clock(), time.perf_counter()
        attributes = {"http.request.method": "POST", "messaging.message.id": claimed.message_id}
        with span_from(claimed.traceparent, "POST webhook", SpanKind.CLIENT, attributes) as span:
            response, answer = await self._post(prepared)
            if response.status is not None:
                span.set_attribute("http.response.status_code", response.status)
            if not response.ok:
                span.set_status(StatusCode.ERROR)
            elapsed = time.perf_counter() - started
            outcome = self._judge(claimed, response, answer, started_at, elapsed)
            self._tell(outcome, elapsed)
        return outcome

    async def _post(self, prepared: Prepared) -> tuple[Response, str]:
        sent = dict(prepared.headers)
        inject(sent)
        try:
            answer = await self._client.post(
                prepared.claimed.url, prepared.claimed.body, sent, timeout=self._timeout, keep=ANSWER_BYTES
            )
        except OutboundError as error:
            return Response(None, {}, error.code), ""
        text = answer.body.decode("utf-8", "backslashreplace").replace("\x00", "\\x00")
        return Response(answer.status, answer.headers), text

    def _judge(
        self, claimed: Claimed, response: Response, answer: str, started_at: datetime, elapsed: float
    ) -> Outcome:
        decision = decide(claimed.attempt, response, self._schedule, self._clock(), random.random())  # noqa: S311
        return Outcome(
            claimed=claimed,
            at=started_at,
            duration_ms=round(elapsed * 1000),
            status=response.status,
            error=response.error,
            answer=answer,
            state=_STATES[type(decision)],
            next_at=decision.at if isinstance(decision, RetryAt) else None,
        )

    @staticmethod
    def _tell(outcome: Outcome, elapsed: float) -> None:
        word = "delivered" if outcome.ok else outcome.error or "refused"
        metrics.WEBHOOK_ATTEMPTS.labels(word).inc()
        metrics.WEBHOOK_ATTEMPT_SECONDS.observe(elapsed)
        log.debug(
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
