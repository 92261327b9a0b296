-- What a share is of, so that all that its platform is told names it.
ALTER TABLE share ADD COLUMN achievement_id uuid;
-- The owner is subject to the policies too, and none is for it.
ALTER TABLE share NO FORCE ROW LEVEL SECURITY;
ALTER TABLE record NO FORCE ROW LEVEL SECURITY;
UPDATE share SET achievement_id = record.achievement_id FROM record WHERE record.credential_id = share.credential_id;
ALTER TABLE share FORCE ROW LEVEL SECURITY;
ALTER TABLE record FORCE ROW LEVEL SECURITY;
