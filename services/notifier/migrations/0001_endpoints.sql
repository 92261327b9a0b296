-- Where platforms listen. The endpoint is the unit of scheduling: `due_at` says when it is next looked at.
CREATE TABLE endpoint (
    id uuid PRIMARY KEY,
    institution_id uuid NOT NULL,
    url text NOT NULL,
    description text,
    events text[] NOT NULL,
    payload text NOT NULL DEFAULT 'thin' CHECK (payload IN ('thin', 'full')),
    cap smallint NOT NULL DEFAULT 8 CHECK (cap > 0),
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'disabled', 'deleted')),
    disabled_reason text,
    proven boolean NOT NULL DEFAULT false, -- has answered 2xx; until then it gets one request at a time
    due_at timestamptz,
    open_until timestamptz, -- the circuit breaker: nothing is sent before, whatever is due
    fail_streak integer NOT NULL DEFAULT 0,
    failing_since timestamptz,
    version integer NOT NULL DEFAULT 1,
    event_version integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL
);
CREATE INDEX endpoint_institution ON endpoint (institution_id, id);
CREATE INDEX endpoint_due ON endpoint (due_at) WHERE due_at IS NOT NULL AND state = 'active';
SELECT laurel_protect('endpoint');

-- Secrets at rest are AES-256-GCM under the key-encryption key `kek_id`; several may be live while one replaces another.
CREATE TABLE endpoint_secret (
    institution_id uuid NOT NULL,
    endpoint_id uuid NOT NULL REFERENCES endpoint (id) ON DELETE CASCADE,
    n integer NOT NULL,
    kind text NOT NULL DEFAULT 'v1',
    ciphertext bytea NOT NULL,
    kek_id text NOT NULL,
    expires_at timestamptz,
    PRIMARY KEY (endpoint_id, n)
);
SELECT laurel_protect('endpoint_secret');
