"""Which bus a service uses is a matter of its settings."""

from shared.bus.embedded import EmbeddedBus
from shared.bus.kafka import KafkaBus
from shared.bus.port import Bus
from shared.http.settings import ServiceSettings


def open_bus(settings: ServiceSettings) -> Bus:
    """The bus that the settings name; it connects when first used."""
    if settings.bus == "embedded":
        return EmbeddedBus(settings.bus_database_url.get_secret_value())
    return KafkaBus(settings.kafka, replication=settings.kafka_replication)
