-- One event for one institution: the exact bytes that are signed and sent, so never jsonb.
CREATE TABLE message (
    id text PRIMARY KEY,
    institution_id uuid NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL,
    body bytea NOT NULL,
    traceparent text,
    created_at timestamptz NOT NULL,
    UNIQUE (institution_id, event_id)
);
CREATE INDEX message_newest ON message (institution_id, created_at DESC, id DESC);
SELECT laurel_protect('message');

-- One message for one endpoint. `next_at` is when it is taken next; while a dispatcher has it, when its lease runs out.
-- Whoever writes a delivery holds its endpoint's row lock, so that nobody waits in a circle.
CREATE TABLE delivery (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    institution_id uuid NOT NULL,
    message_id text NOT NULL REFERENCES message (id) ON DELETE CASCADE,
    endpoint_id uuid NOT NULL REFERENCES endpoint (id),
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'exhausted', 'cancelled')),
    trigger text NOT NULL DEFAULT 'scheduled' CHECK (trigger IN ('scheduled', 'manual')),
    attempt integer NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    leased_at timestamptz, -- since when a dispatcher has it
    UNIQUE (message_id, endpoint_id)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX delivery_pending ON delivery (endpoint_id, next_at, id) WHERE state = 'pending';
SELECT laurel_protect('delivery');

CREATE TABLE attempt (
    institution_id uuid NOT NULL,
    delivery_id bigint NOT NULL REFERENCES delivery (id) ON DELETE CASCADE,
    n integer NOT NULL,
    trigger text NOT NULL,
    at timestamptz NOT NULL,
    duration_ms integer NOT NULL,
    status integer,
    error text,
    answer text NOT NULL DEFAULT '',
    PRIMARY KEY (delivery_id, n)
);
SELECT laurel_protect('attempt');
