"""A process that sets telemetry up and says a few things inside a span; the traceparent it would pass on comes last."""

import logging
import os
import sys

import structlog
from opentelemetry.trace import SpanKind

from shared.telemetry import TelemetrySettings, setup
from shared.telemetry.tracing import current_traceparent, inject, span_from, tracer

end = setup("speaker", TelemetrySettings(os.environ.get("ENDPOINT"), os.environ.get("LEVEL", "info")))
log = structlog.get_logger()
with span_from(sys.argv[1] if len(sys.argv) > 1 else None, "outer", SpanKind.CONSUMER, {"messaging.system": "kafka"}):
    log.info("thing.happened", thing_id=7)
    log.debug("thing.detail")
    logging.getLogger("somebody.else").warning("a library %s", "speaks")
    logging.getLogger("somebody.else").info("a library chats")
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        log.exception("thing.failed")
    with tracer.start_as_current_span("inner"):
        headers: dict[str, str] = {}
        inject(headers)
        assert headers["traceparent"] == current_traceparent()
        print(current_traceparent())
log.info("thing.ended")
end()
