-- An institution may sign by a key alone (did:key): whose it is, is found by the key.
CREATE INDEX issuer_key_multibase ON issuer_key (public_key_multibase);

-- Questions that a presentation has to answer. Each is used up by the first presentation that does.
CREATE TABLE challenge (
    challenge text PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
SELECT laurel_open('challenge');
