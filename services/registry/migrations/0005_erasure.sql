-- Since when nobody knows the learner's address any more: no link can be sent.
ALTER TABLE claim ADD COLUMN erased_at timestamptz;
