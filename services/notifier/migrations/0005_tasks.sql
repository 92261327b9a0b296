-- Putting deliveries in line again, batch by batch. Any process goes on with a task from where it stands.
CREATE TABLE task (
    id uuid PRIMARY KEY,
    institution_id uuid NOT NULL,
    endpoint_id uuid REFERENCES endpoint (id), -- null: all of the institution's
    kind text NOT NULL CHECK (kind IN ('recover', 'replay', 'redrive')),
    since timestamptz,
    until timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'cancelled')),
    counted bigint NOT NULL DEFAULT 0,
    queued bigint NOT NULL DEFAULT 0,
    after_at timestamptz, -- how far it has got: by messages, in order of time and id,
    after_message text,
    after_delivery bigint, -- or by deliveries
    stepped_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_at timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE UNIQUE INDEX task_running ON task (institution_id, endpoint_id) NULLS NOT DISTINCT WHERE state = 'running';
CREATE INDEX task_next ON task (stepped_at) WHERE state = 'running';
SELECT laurel_protect('task');

CREATE INDEX delivery_exhausted ON delivery (institution_id, id) WHERE state = 'exhausted';
CREATE INDEX delivery_exhausted_endpoint ON delivery (endpoint_id, id) WHERE state = 'exhausted';
