-- What learners do with their credentials. None of it can be derived from the issuer's events, so a rebuild leaves all of
-- it alone, but for the platforms' profiles (docs/decisions/0080). No address and no name of a learner is in it.

ALTER TABLE institution ADD COLUMN linkedin_organization_id bigint;

-- Where credentials can be shown. A suspension is final, so a rebuild never takes it back.
CREATE TABLE platform (
    platform_id uuid PRIMARY KEY,
    slug text NOT NULL UNIQUE,
    name text NOT NULL,
    url text NOT NULL,
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended')),
    version bigint NOT NULL,
    epoch integer NOT NULL
);
SELECT laurel_open('platform');

-- One row a credential whose learner has an e-mail address. `status` and `is_expired` are what the learner's shares were
-- last told, as of the issuer's event `status_version`: a rebuild must not tell them again. `event_version` counts the
-- events about the credential that come from here, of which credential.registered is the first.
CREATE TABLE claim (
    credential_id uuid PRIMARY KEY,
    institution_id uuid NOT NULL,
    status text NOT NULL CHECK (status IN ('active', 'suspended', 'revoked')),
    is_expired boolean NOT NULL DEFAULT false,
    status_version bigint NOT NULL,
    event_version bigint NOT NULL DEFAULT 1,
    claimed_at timestamptz
);
SELECT laurel_protect('claim');

-- Links to be offered, each for a credential that may not exist: whoever asks for one learns nothing from how long that
-- takes. A worker empties it.
CREATE TABLE claim_request (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    credential_id uuid NOT NULL,
    occasion text NOT NULL CHECK (occasion IN ('issued', 'asked'))
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
SELECT laurel_open('claim_request');

-- 256 random bits each, so a plain SHA-256 keeps them safe. A code that was used stays a while, to be told from no code.
CREATE TABLE claim_code (
    digest bytea PRIMARY KEY,
    credential_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX claim_code_of_credential ON claim_code (credential_id, created_at);
CREATE INDEX claim_code_expiry ON claim_code (expires_at);
SELECT laurel_open('claim_code');

CREATE TABLE learner_token (
    digest bytea PRIMARY KEY,
    credential_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX learner_token_of_credential ON learner_token (credential_id);
CREATE INDEX learner_token_expiry ON learner_token (expires_at);
SELECT laurel_open('learner_token');

-- One learner's consent for one credential on one platform; sharing again is a new consent. `status` is the credential's.
CREATE TABLE share (
    share_id uuid PRIMARY KEY,
    credential_id uuid NOT NULL REFERENCES claim,
    institution_id uuid NOT NULL,
    platform_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('shared', 'withdrawn', 'removed')),
    status text NOT NULL CHECK (status IN ('active', 'suspended', 'revoked', 'expired')),
    consent_version text NOT NULL,
    consent text NOT NULL,
    shared_at timestamptz NOT NULL,
    withdrawn_at timestamptz,
    withdrawn_by text CHECK (withdrawn_by IN ('learner', 'operator')),
    removed_at timestamptz
);
CREATE UNIQUE INDEX share_live ON share (credential_id, platform_id) WHERE state = 'shared';
CREATE INDEX share_of_credential ON share (credential_id, share_id);
CREATE INDEX share_of_platform ON share (platform_id, share_id);
CREATE INDEX share_live_of_platform ON share (platform_id) WHERE state = 'shared';

-- A share's tenant is its platform; that there is one is no business of the institution.
ALTER TABLE share ENABLE ROW LEVEL SECURITY;
ALTER TABLE share FORCE ROW LEVEL SECURITY;
CREATE POLICY platform ON share TO laurel_tenant
    USING (platform_id = nullif(current_setting('app.institution', true), '')::uuid);
CREATE POLICY worker ON share TO laurel_worker USING (true);
GRANT SELECT, UPDATE ON share TO laurel_tenant;
GRANT SELECT, INSERT, UPDATE, DELETE ON share TO laurel_worker;
