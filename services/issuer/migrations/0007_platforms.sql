-- Where learners show credentials. The operator's alone to see, so there are no tenants in it.
CREATE TABLE platform (
    platform_id uuid PRIMARY KEY,
    slug text NOT NULL UNIQUE,
    name text NOT NULL,
    url text NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'suspended')),
    suspended_reason text,
    suspended_at timestamptz,
    suspended_version bigint,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
SELECT laurel_open('platform');

-- Each profile that was announced, for replays.
CREATE TABLE platform_profile (
    platform_id uuid NOT NULL REFERENCES platform,
    version bigint NOT NULL,
    name text NOT NULL,
    url text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (platform_id, version)
);
SELECT laurel_open('platform_profile');

-- A client's `institution_id` names its tenant: an institution or a platform. Both are made in the transaction of their
-- first client and never deleted, and every later client is made by its tenant or after the tenant was looked up.
ALTER TABLE client DROP CONSTRAINT client_institution_id_fkey;
ALTER TABLE client_secret DROP CONSTRAINT client_secret_institution_id_fkey;
