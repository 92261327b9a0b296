-- Institutions, their clients and their signing keys.

-- The tenant itself. `version` grows with each event about the institution or one of its keys, so whoever built
-- something from the row and its active key can tell by this one number whether it still holds.
CREATE TABLE institution (
    institution_id uuid PRIMARY KEY,
    slug text NOT NULL UNIQUE,
    did text NOT NULL UNIQUE,
    name text NOT NULL,
    url text NOT NULL,
    email text,
    image text,
    state text NOT NULL CHECK (state IN ('active', 'suspended')),
    suspended_reason text,
    suspended_at timestamptz,
    suspended_version bigint,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
SELECT laurel_protect('institution');

-- Each profile that was announced, so that a replay tells the same story as the first time.
CREATE TABLE institution_profile (
    institution_id uuid NOT NULL REFERENCES institution,
    version bigint NOT NULL,
    name text NOT NULL,
    url text NOT NULL,
    email text,
    image text,
    at timestamptz NOT NULL,
    PRIMARY KEY (institution_id, version)
);
SELECT laurel_protect('institution_profile');

-- Ed25519 keys. The private half is sealed under a key-encryption key (AAD: signing_key|id|kek_id). The `…_version`
-- columns are the institution's version at the event.
CREATE TABLE signing_key (
    id uuid PRIMARY KEY,
    institution_id uuid NOT NULL REFERENCES institution,
    number integer NOT NULL,
    did text NOT NULL,
    public_key_multibase text NOT NULL,
    ciphertext bytea NOT NULL,
    kek_id text NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'retired', 'compromised')),
    activated_at timestamptz NOT NULL,
    activated_version bigint NOT NULL,
    retired_at timestamptz,
    retired_version bigint,
    compromised_at timestamptz,
    compromised_version bigint,
    compromised_reason text,
    UNIQUE (institution_id, number)
);
CREATE UNIQUE INDEX signing_key_active ON signing_key (institution_id) WHERE state = 'active';
SELECT laurel_protect('signing_key');

CREATE TABLE client (
    id uuid PRIMARY KEY,
    institution_id uuid NOT NULL REFERENCES institution,
    name text NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX client_of_institution ON client (institution_id, id);
SELECT laurel_protect('client');

-- 256 random bits each, so a plain SHA-256 keeps them safe.
CREATE TABLE client_secret (
    id uuid PRIMARY KEY,
    institution_id uuid NOT NULL REFERENCES institution,
    client_id uuid NOT NULL REFERENCES client,
    digest bytea NOT NULL,
    last_four text NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz,
    last_used_at timestamptz
);
CREATE INDEX client_secret_live ON client_secret (client_id) WHERE revoked_at IS NULL;
SELECT laurel_protect('client_secret');

-- What access tokens are signed with. The newest signs, all are in the key set. AAD: token_key|kid|kek_id.
CREATE TABLE token_key (
    kid text PRIMARY KEY,
    public_key bytea NOT NULL,
    ciphertext bytea NOT NULL,
    kek_id text NOT NULL,
    created_at timestamptz NOT NULL
);
SELECT laurel_open('token_key');
