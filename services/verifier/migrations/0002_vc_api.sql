-- An institution may sign by a key alone (did:key): whose it is, is found by the key.
CREATE INDEX issuer_key_multibase ON issuer_key (public_key_multibase);

-- Challenges of ours that a presentation answered, so that no other one can.
CREATE TABLE answered_challenge (
    challenge text PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX answered_challenge_over ON answered_challenge (expires_at);
SELECT laurel_open('answered_challenge');
