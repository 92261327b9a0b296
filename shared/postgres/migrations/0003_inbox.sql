-- Events already handled. Partitioned by the day in the event's UUIDv7, so that old days are dropped, not deleted.
CREATE TABLE inbox (
    event_id uuid NOT NULL,
    on_day date NOT NULL,
    source text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (event_id, on_day, source)
) PARTITION BY RANGE (on_day);
CREATE TABLE inbox_default PARTITION OF inbox DEFAULT;
SELECT laurel_open('inbox');
SELECT laurel_open('inbox_default');

-- Makes the partitions from yesterday to a week ahead and drops those whose events no topic can hold any more.
-- Runs as the owner, because the application's login owns nothing.
CREATE FUNCTION laurel_turn_inbox(keep_days integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public SET lock_timeout = '1s' AS $$
DECLARE
    day date;
    part record;
    name text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('laurel_turn_inbox'));
    FOR offset_days IN -1..7 LOOP
        day := current_date + offset_days;
        name := 'inbox_' || to_char(day, 'YYYYMMDD');
        IF to_regclass(name) IS NULL AND NOT EXISTS (SELECT FROM inbox_default WHERE on_day = day) THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF inbox FOR VALUES FROM (%L) TO (%L)', name, day, day + 1);
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO laurel_worker', name);
        END IF;
    END LOOP;
    FOR part IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'inbox'::regclass AND c.relname ~ '^inbox_\d{8}$'
    LOOP
        IF to_date(substr(part.relname, 7), 'YYYYMMDD') < current_date - keep_days THEN
            EXECUTE format('DROP TABLE %I', part.relname);
        END IF;
    END LOOP;
    DELETE FROM inbox_default WHERE at < clock_timestamp() - make_interval(days => keep_days);
END $$;
REVOKE EXECUTE ON FUNCTION laurel_turn_inbox(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION laurel_turn_inbox(integer) TO laurel_worker;
SELECT laurel_turn_inbox(30);

-- Events set aside with a reason, and the later ones of their key behind them. A row with `retry_at` is tried again by
-- itself; any other waits for a person.
CREATE TABLE parked_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    recorded_at timestamptz NOT NULL, -- by the bus; with the offset it names a record even after a topic was made anew
    key text NOT NULL,
    event_id uuid,
    type text,
    headers jsonb NOT NULL,
    value bytea NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    retry_at timestamptz,
    parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    redriven_at timestamptz,
    UNIQUE (topic, partition, "offset", recorded_at)
);
CREATE INDEX parked_event_waiting ON parked_event (topic, key, id) WHERE redriven_at IS NULL;
CREATE INDEX parked_event_due ON parked_event (retry_at) WHERE redriven_at IS NULL AND retry_at IS NOT NULL;
SELECT laurel_open('parked_event');
