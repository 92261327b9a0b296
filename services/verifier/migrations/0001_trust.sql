-- The verifier's own copy of what it must know to answer: who issues, with which keys, and the status of credentials.

-- `version` is that of the profile, `state_version` that of the state.
CREATE TABLE issuer (
    institution_id uuid PRIMARY KEY,
    did text NOT NULL UNIQUE,
    name text NOT NULL,
    url text NOT NULL,
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended')),
    suspended_at timestamptz,
    version bigint NOT NULL,
    state_version bigint NOT NULL DEFAULT 0
);
SELECT laurel_protect('issuer');

-- The keys institutions signed with, for ever. A time is set once: by the event that tells of it.
CREATE TABLE issuer_key (
    verification_method text PRIMARY KEY,
    institution_id uuid NOT NULL,
    did text NOT NULL,
    public_key_multibase text NOT NULL,
    activated_at timestamptz NOT NULL,
    retired_at timestamptz,
    compromised_at timestamptz,
    compromised_reason text
);
CREATE INDEX issuer_key_of_institution ON issuer_key (institution_id);
SELECT laurel_protect('issuer_key');

-- Every credential of ours. The hash tells an original from a forgery made with a key that leaked later.
CREATE TABLE credential (
    credential_id uuid PRIMARY KEY,
    institution_id uuid NOT NULL,
    issuer text NOT NULL,
    document_sha256 bytea NOT NULL,
    issued_at timestamptz NOT NULL
);
SELECT laurel_protect('credential');

-- One position of a status list and its bit; `version` is the credential's at the event that set it.
CREATE TABLE status_entry (
    status_list text NOT NULL,
    position integer NOT NULL,
    purpose text NOT NULL CHECK (purpose IN ('revocation', 'suspension')),
    is_set boolean NOT NULL DEFAULT false,
    credential_id uuid NOT NULL,
    institution_id uuid NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (status_list, position)
);
SELECT laurel_protect('status_entry');

-- How many credential.verified events there were of a credential: the version of the next one is one more.
CREATE TABLE verification_count (
    credential_id uuid PRIMARY KEY,
    institution_id uuid NOT NULL,
    verified bigint NOT NULL
) WITH (fillfactor = 70);
SELECT laurel_protect('verification_count');

-- Keys of foreign issuers as they were first seen (docs/decisions/0048). Belongs to no institution.
CREATE TABLE pinned_key (
    verification_method text PRIMARY KEY,
    did text NOT NULL,
    public_key_multibase text NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL
);
CREATE INDEX pinned_key_of_did ON pinned_key (did);
SELECT laurel_open('pinned_key');
