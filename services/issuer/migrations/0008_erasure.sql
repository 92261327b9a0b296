-- Whom a credential was issued to can be erased; the credential stays, and names them by salted hash alone. The version is
-- that of learner.erased.
ALTER TABLE credential
    ALTER COLUMN recipient_index DROP NOT NULL,
    ALTER COLUMN recipient_ciphertext DROP NOT NULL,
    ALTER COLUMN kek_id DROP NOT NULL,
    ADD COLUMN erased_version bigint,
    ADD COLUMN erased_at timestamptz;
