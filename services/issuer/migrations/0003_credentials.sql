-- Status lists and credentials.

-- Positions are a keyed permutation of a counter: `seed` is the key, `next` the first count not yet reserved. An
-- institution has one open list for each purpose; the two are reserved from, and filled, together. Bit n of the list
-- (left-most first, as the specification counts) is PostgreSQL's bit (n & ~7) | (7 - (n & 7)).
CREATE TABLE status_list (
    id uuid PRIMARY KEY,
    institution_id uuid NOT NULL REFERENCES institution,
    purpose text NOT NULL CHECK (purpose IN ('revocation', 'suspension')),
    seed bytea NOT NULL,
    size integer NOT NULL CHECK (size >= 131072 AND size % 8 = 0),
    next integer NOT NULL DEFAULT 0 CHECK (next BETWEEN 0 AND size),
    bits bytea NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    is_open boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX status_list_open ON status_list (institution_id, purpose) WHERE is_open;
SELECT laurel_protect('status_list');

-- The signed document is kept as the bytes that were answered. Foreign keys are left out on purpose: the statement that
-- inserts a row proves its institution and achievement, and each check would cost a lookup in the busiest transaction.
CREATE TABLE credential (
    id uuid PRIMARY KEY,
    institution_id uuid NOT NULL,
    achievement_id uuid NOT NULL,
    revision integer NOT NULL,
    status text NOT NULL CHECK (status IN ('active', 'suspended', 'revoked')),
    version bigint NOT NULL,
    recipient_kind text NOT NULL CHECK (recipient_kind IN ('email', 'did')),
    recipient_id text NOT NULL,
    recipient_index bytea NOT NULL,
    recipient_ciphertext bytea NOT NULL,
    kek_id text NOT NULL,
    revocation_list uuid NOT NULL,
    revocation_index integer NOT NULL,
    suspension_list uuid NOT NULL,
    suspension_index integer NOT NULL,
    issuer text NOT NULL,
    document bytea NOT NULL,
    valid_until timestamptz,
    issued_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    reason text
)
-- A document of 3 kB stays in its row: compressing it would cost more than it saves.
WITH (toast_tuple_target = 8160);
CREATE INDEX credential_of_institution ON credential (institution_id, id);
CREATE INDEX credential_of_achievement ON credential (achievement_id, id);
CREATE INDEX credential_of_recipient ON credential (institution_id, recipient_index);
CREATE UNIQUE INDEX credential_revocation_position ON credential (revocation_list, revocation_index);
SELECT laurel_protect('credential');

-- Each change of a credential's status, with its reason.
CREATE TABLE credential_change (
    credential_id uuid NOT NULL REFERENCES credential,
    version bigint NOT NULL,
    institution_id uuid NOT NULL,
    action text NOT NULL CHECK (action IN ('revoke', 'suspend', 'reinstate')),
    reason text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (credential_id, version)
);
SELECT laurel_protect('credential_change');
