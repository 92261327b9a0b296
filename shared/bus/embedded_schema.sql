-- The embedded bus: a log for each partition, consumer groups, their offsets. Applied when the bus is first used.

CREATE TABLE IF NOT EXISTS bus_partition (
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL DEFAULT 0, -- its row lock serialises appends: offsets are dense, and visible in order
    first_offset bigint NOT NULL DEFAULT 0, -- those before it were dropped by the retention
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50);

CREATE TABLE IF NOT EXISTS bus_record (
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    key bytea NOT NULL,
    value bytea NOT NULL,
    headers jsonb NOT NULL, -- [[name, text]…]; [name, null, base64] for a value that is not text
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (topic, partition, "offset")
) WITH (toast_tuple_target = 8160);
-- Values are kept in the row and as they are: half the time of an append went into compressing them and into TOAST.
ALTER TABLE bus_record ALTER COLUMN value SET STORAGE EXTERNAL;

CREATE TABLE IF NOT EXISTS bus_group (
    "group" text PRIMARY KEY,
    generation bigint NOT NULL DEFAULT 0 -- grows when members or holders change; its row lock serialises that
) WITH (fillfactor = 50);

CREATE TABLE IF NOT EXISTS bus_member (
    "group" text NOT NULL,
    member uuid NOT NULL,
    instance text NOT NULL,
    topics text[] NOT NULL,
    until timestamptz NOT NULL, -- the lease, by this server's clock
    PRIMARY KEY ("group", member)
) WITH (fillfactor = 50);

CREATE TABLE IF NOT EXISTS bus_offset (
    "group" text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint, -- null until the first commit
    assigned uuid, -- the member that should have it
    holder uuid, -- the member that has it, and alone may commit: a living one hands it over between two batches
    PRIMARY KEY ("group", topic, partition)
) WITH (fillfactor = 50);
