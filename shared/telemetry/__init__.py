"""Traces, metrics and logs. A service calls `setup` once, first of all; everything else imports what it needs."""

from collections.abc import Callable

from shared.telemetry.logging import setup_logging
from shared.telemetry.settings import TelemetrySettings
from shared.telemetry.tracing import setup_tracing

__all__ = ["TelemetrySettings", "setup"]


def setup(service: str, settings: TelemetrySettings) -> Callable[[], None]:
    """Start logging and tracing for the process of `service`; gives what sends the last spans at its end."""
    setup_logging(service, settings.log_level)
    return setup_tracing(service, settings.otlp_endpoint).shutdown
