-- A key for each algorithm: an institution has at most one active key of each kind.
ALTER TABLE signing_key ADD COLUMN algorithm text NOT NULL DEFAULT 'Ed25519'
    CHECK (algorithm IN ('Ed25519', 'P-256', 'P-384'));
ALTER TABLE signing_key ALTER COLUMN algorithm DROP DEFAULT;
DROP INDEX signing_key_active;
CREATE UNIQUE INDEX signing_key_active ON signing_key (institution_id, algorithm) WHERE state = 'active';

-- What an institution had secured over the VC-API: documents of its own making. `credential_id` is the document's id, or
-- the name that the request gave it; the status is changed by it. Positions are there for those that asked for a status.
CREATE TABLE secured_credential (
    id uuid PRIMARY KEY,
    institution_id uuid NOT NULL,
    credential_id text,
    document bytea NOT NULL,
    revocation_list uuid,
    revocation_index integer,
    suspension_list uuid,
    suspension_index integer,
    issued_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX secured_credential_name ON secured_credential (institution_id, credential_id);
CREATE INDEX secured_credential_of_institution ON secured_credential (institution_id, id);
SELECT laurel_protect('secured_credential');
