-- The embedded bus: one log a partition, consumer groups with leases, durable offsets. Applied when the bus is first used.
CREATE TABLE IF NOT EXISTS bus_partition (
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL DEFAULT 0, -- the row lock on this serialises appends, so offsets become visible in order
    first_offset bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (topic, partition)
);

CREATE TABLE IF NOT EXISTS bus_record (
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    key bytea NOT NULL,
    value bytea NOT NULL,
    headers jsonb NOT NULL, -- [[name, base64]]
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (topic, partition, "offset")
);

CREATE TABLE IF NOT EXISTS bus_member (
    "group" text NOT NULL,
    member uuid NOT NULL,
    instance text NOT NULL,
    topics text[] NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY ("group", member)
);

CREATE TABLE IF NOT EXISTS bus_offset (
    "group" text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint, -- null until the first commit
    holder uuid,
    until timestamptz,
    PRIMARY KEY ("group", topic, partition)
);
