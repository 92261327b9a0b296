-- A delivery that is held behind an earlier one of its subject has a later `next_at`; this is the one that it had before.
-- One that is held at this moment gets it when its time is over.
ALTER TABLE delivery ADD COLUMN held_from timestamptz;
