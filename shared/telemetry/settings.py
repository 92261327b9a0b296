"""What telemetry is told at start."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """`otlp_endpoint` is an OTLP/HTTP base URL or None (nothing is exported); `log_level` a name such as `info`."""

    otlp_endpoint: str | None = None
    log_level: str = "info"
