-- Events waiting for the bus. A row goes when the broker acknowledged it, so the table is nearly empty and vacuumed often.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    headers jsonb NOT NULL,
    value bytea NOT NULL CHECK (octet_length(value) <= 262144),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
SELECT laurel_open('outbox');
GRANT INSERT ON outbox TO laurel_tenant;

-- Which event was which: ids only, so that a replay carries the same id and an erased learner's data is not kept here.
CREATE TABLE event_history (
    event_id uuid PRIMARY KEY,
    type text NOT NULL,
    subject text NOT NULL,
    version bigint NOT NULL,
    at timestamptz NOT NULL
);
SELECT laurel_open('event_history');
GRANT INSERT ON event_history TO laurel_tenant;

-- Who leads. Judged by the database's clock alone.
CREATE TABLE lease (
    name text PRIMARY KEY,
    holder uuid NOT NULL,
    until timestamptz NOT NULL
);
SELECT laurel_open('lease');
