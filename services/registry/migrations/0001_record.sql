-- The public record, and what the registry knows of institutions and achievements. All of it is derived from events.

-- How often the projections of a source were declared out of date. A row of an older epoch than its source's is
-- overwritten by the first event about it, whatever version that event carries (docs/decisions/0045).
CREATE TABLE rebuild (
    source text PRIMARY KEY,
    epoch integer NOT NULL DEFAULT 0,
    at timestamptz
);
INSERT INTO rebuild (source) VALUES ('/issuer');
SELECT laurel_open('rebuild');

-- `version` is that of the profile shown, `state_version` that of the state: each event carries one of the two.
CREATE TABLE institution (
    institution_id uuid PRIMARY KEY,
    slug text NOT NULL UNIQUE,
    did text NOT NULL,
    name text NOT NULL,
    url text NOT NULL,
    email text,
    image text,
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended')),
    registered_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    version bigint NOT NULL,
    state_version bigint NOT NULL DEFAULT 0,
    epoch integer NOT NULL
);
SELECT laurel_protect('institution');

CREATE TABLE achievement (
    achievement_id uuid PRIMARY KEY,
    institution_id uuid NOT NULL,
    name text NOT NULL,
    achievement_type text,
    revision integer NOT NULL,
    document bytea NOT NULL, -- the JSON as it came: jsonb would reorder it
    state text NOT NULL DEFAULT 'published' CHECK (state IN ('published', 'archived')),
    published_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    version bigint NOT NULL,
    state_version bigint NOT NULL DEFAULT 0,
    epoch integer NOT NULL
);
CREATE INDEX achievement_of_institution ON achievement (institution_id, achievement_id);
SELECT laurel_protect('achievement');

-- One row a credential, written once. `document` is the exact bytes served.
CREATE TABLE record (
    credential_id uuid PRIMARY KEY,
    institution_id uuid NOT NULL,
    achievement_id uuid NOT NULL,
    issuer text NOT NULL,
    status text NOT NULL CHECK (status IN ('active', 'suspended', 'revoked')),
    version bigint NOT NULL,
    document bytea NOT NULL,
    document_sha256 bytea NOT NULL,
    issued_at timestamptz NOT NULL,
    registered_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    epoch integer NOT NULL
)
-- A document of 3 kB stays in its row: compressing it would cost more than it saves.
WITH (toast_tuple_target = 8160);
SELECT laurel_protect('record');

-- How often each credential was verified: the version of its latest credential.verified. A row of its own, because a
-- verification may be heard of before its credential is recorded.
CREATE TABLE demand (
    credential_id uuid PRIMARY KEY,
    institution_id uuid NOT NULL,
    verified bigint NOT NULL,
    last_verified_at timestamptz NOT NULL
);
SELECT laurel_protect('demand');

-- Differences to the counts, one row an event, folded into `achievement_count` by a worker: consumers of different
-- partitions then never wait for, or deadlock on, the row of an achievement that many credentials share.
CREATE TABLE count_change (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    credential_id uuid NOT NULL,
    institution_id uuid NOT NULL,
    issued integer NOT NULL DEFAULT 0,
    revoked integer NOT NULL DEFAULT 0,
    suspended integer NOT NULL DEFAULT 0,
    verified bigint NOT NULL DEFAULT 0
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
SELECT laurel_protect('count_change');

CREATE TABLE achievement_count (
    achievement_id uuid PRIMARY KEY,
    institution_id uuid NOT NULL,
    issued bigint NOT NULL,
    revoked bigint NOT NULL,
    suspended bigint NOT NULL,
    verified bigint NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX achievement_count_of_institution ON achievement_count (institution_id);
SELECT laurel_protect('achievement_count');
