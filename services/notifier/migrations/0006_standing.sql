-- How endpoints fare: their attempts found quickly, and counted by hour.
ALTER TABLE attempt ADD COLUMN endpoint_id uuid;
ALTER TABLE attempt NO FORCE ROW LEVEL SECURITY; -- the owner is subject to the policies too, and none is for it
ALTER TABLE delivery NO FORCE ROW LEVEL SECURITY;
UPDATE attempt SET endpoint_id = delivery.endpoint_id FROM delivery WHERE delivery.id = attempt.delivery_id;
ALTER TABLE attempt FORCE ROW LEVEL SECURITY;
ALTER TABLE delivery FORCE ROW LEVEL SECURITY;
-- Two for every attempt; the others hold failures alone, so that the usual success is not written more often.
CREATE INDEX attempt_newest ON attempt (institution_id, at DESC, delivery_id DESC, n DESC);
CREATE INDEX attempt_of_endpoint ON attempt (endpoint_id, at DESC, delivery_id DESC, n DESC);
CREATE INDEX attempt_failed ON attempt (institution_id, at DESC, delivery_id DESC, n DESC)
    WHERE error IS NOT NULL OR status < 200 OR status > 299;
CREATE INDEX attempt_of_status ON attempt (institution_id, status, at DESC, delivery_id DESC, n DESC)
    WHERE status < 200 OR status > 299;
CREATE INDEX attempt_of_error ON attempt (institution_id, error, at DESC, delivery_id DESC, n DESC)
    WHERE error IS NOT NULL;

-- `bucket` is where the attempt's duration lies among the bounds in domain/statistics.py, which never change.
CREATE TABLE endpoint_hour (
    institution_id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    hour timestamptz NOT NULL,
    outcome text NOT NULL,
    bucket smallint NOT NULL,
    attempts bigint NOT NULL,
    PRIMARY KEY (endpoint_id, hour, outcome, bucket)
) WITH (fillfactor = 70);
SELECT laurel_protect('endpoint_hour');

ALTER TABLE endpoint ADD COLUMN warned_at timestamptz; -- when it was last said that it will be disabled
ALTER TABLE message ADD COLUMN about uuid; -- the endpoint that it is about, if any
