"""Every metric there is, and what it means. Nothing else makes one, so this file is the catalogue.

Times are seconds. Labels never hold an id, a name or an address: their values are few and known beforehand.
"""

from prometheus_client import Counter, Gauge, Histogram

_FAST = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_END_TO_END = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)

HTTP_REQUESTS = Counter("http_requests_total", "Requests answered.", ["method", "route", "status"])
HTTP_REQUEST_SECONDS = Histogram("http_request_seconds", "From request line to answer sent.", ["route"], buckets=_FAST)

OUTBOX_ROWS = Gauge("outbox_rows", "Events waiting for the bus.")
OUTBOX_OLDEST_SECONDS = Gauge(
    "outbox_oldest_seconds", "Age of the oldest event waiting for the bus; 0 when none waits."
)
RELAY_PUBLISHED = Counter("relay_published_total", "Events the bus acknowledged.")
RELAY_FAILURES = Counter("relay_failures_total", "Relay passes that ended in an error of the bus or the database.")
RELAY_LEADER = Gauge("relay_leader", "1 while this process holds the relay's lease.")

CONSUMER_LAG = Gauge("consumer_lag", "Records of the bus not yet delivered here.", ["topic", "partition"])
EVENTS_CONSUMED = Counter("events_consumed_total", "Events taken from the bus.", ["type", "outcome"])
EVENTS_EXPIRED = Counter("events_expired_total", "Events the bus dropped before this service read them: replay is due.")
EVENT_END_TO_END_SECONDS = Histogram(
    "event_end_to_end_seconds", "From the event's own time to its effect here committed.", ["type"], buckets=_END_TO_END
)
PARKED_EVENTS = Gauge("parked_events", "Events set aside, waiting for a person.")

CREDENTIALS_ISSUED = Counter("credentials_issued_total", "Credentials signed and committed.", ["cryptosuite"])
VERIFICATIONS = Counter("verifications_total", "Verifications answered.", ["verdict"])

WEBHOOK_ATTEMPTS = Counter("webhook_attempts_total", "Delivery attempts ended.", ["outcome"])
WEBHOOK_ATTEMPT_SECONDS = Histogram("webhook_attempt_seconds", "Duration of a delivery attempt.", buckets=_FAST)
WEBHOOK_PENDING = Gauge("webhook_pending", "Deliveries waiting for a try.")
WEBHOOK_OLDEST_SECONDS = Gauge("webhook_oldest_seconds", "Age of the oldest delivery waiting for its first try.")
ENDPOINTS = Gauge("endpoints", "Endpoints, by state.", ["state"])
MESSAGES_REMOVED = Counter("messages_removed_total", "Messages removed because their time was over.")
OPEN_ANSWERS = Gauge("open_answers", "Waiting polls and event streams held open.")

MAIL_ATTEMPTS = Counter("mail_attempts_total", "Tries to send a letter, by what became of it.", ["kind", "state"])
MAIL_ATTEMPT_SECONDS = Histogram("mail_attempt_seconds", "Duration of a try to send a letter.", buckets=_END_TO_END)
MAIL_PENDING = Gauge("mail_pending", "Letters waiting for a try.")
MAIL_OLDEST_SECONDS = Gauge("mail_oldest_seconds", "How long the letter that is due longest has waited.")
