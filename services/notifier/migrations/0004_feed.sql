-- The order in which an institution's messages are pulled. A position is taken under the lock of the institution's row,
-- which is held until the commit. So positions become visible in their order, and whoever goes on after the last one
-- it saw misses nothing.
CREATE TABLE feed (
    institution_id uuid PRIMARY KEY,
    last bigint NOT NULL
) WITH (fillfactor = 50);
SELECT laurel_protect('feed');

ALTER TABLE message ADD COLUMN position bigint; -- null: not to be pulled
-- The owner is subject to the policies too, and none is for it.
ALTER TABLE message NO FORCE ROW LEVEL SECURITY;
ALTER TABLE feed NO FORCE ROW LEVEL SECURITY;
UPDATE message SET position = numbered.position FROM (
    SELECT id, row_number() OVER (PARTITION BY institution_id ORDER BY created_at, id) AS position FROM message
) AS numbered WHERE numbered.id = message.id;
INSERT INTO feed SELECT institution_id, max(position) FROM message GROUP BY institution_id;
ALTER TABLE message FORCE ROW LEVEL SECURITY;
ALTER TABLE feed FORCE ROW LEVEL SECURITY;
CREATE INDEX message_position ON message (institution_id, position);
