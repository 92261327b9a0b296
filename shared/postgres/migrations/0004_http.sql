-- Answers already given to a client's Idempotency-Key, written in the transaction of the effect and kept for a day.
CREATE TABLE idempotency (
    principal text NOT NULL,
    key text NOT NULL,
    route text NOT NULL,
    fingerprint bytea NOT NULL,
    status integer,
    headers jsonb,
    body bytea,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (principal, key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);
SELECT laurel_open('idempotency');
-- The principal of a tenant's request is its institution's id, so a tenant sees its own keys only.
ALTER TABLE idempotency ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON idempotency TO laurel_tenant USING (principal = nullif(current_setting('app.institution', true), ''));
CREATE POLICY worker ON idempotency TO laurel_worker USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency TO laurel_tenant;

-- The last key set seen, so that a restart while the token issuer is down does not lock everybody out.
CREATE TABLE jwks_cache (
    url text PRIMARY KEY,
    document jsonb NOT NULL,
    fetched_at timestamptz NOT NULL
);
SELECT laurel_open('jwks_cache');
