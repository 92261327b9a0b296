-- What an endpoint asks for beside its address and its events. `filter` is as its owner wrote it, `filter_path` what it
-- was compiled to. Values of custom headers may be credentials, so they are sealed; their names are not.
ALTER TABLE endpoint
    ADD COLUMN format text NOT NULL DEFAULT 'standard'
        CHECK (format IN ('standard', 'cloudevents-structured', 'cloudevents-binary')),
    ADD COLUMN signatures text[] NOT NULL DEFAULT '{v1}' CHECK (signatures <@ '{v1,v1a}'),
    ADD COLUMN public_key text,
    ADD COLUMN achievements uuid[],
    ADD COLUMN filter text,
    ADD COLUMN filter_path jsonpath,
    ADD COLUMN ordered boolean NOT NULL DEFAULT false,
    ADD COLUMN rate_per_second double precision CHECK (rate_per_second > 0),
    ADD COLUMN tokens double precision NOT NULL DEFAULT 0, -- in the bucket at `tokens_at`; full where that is null
    ADD COLUMN tokens_at timestamptz,
    ADD COLUMN header_names text[] NOT NULL DEFAULT '{}',
    ADD COLUMN headers bytea,
    ADD COLUMN headers_kek_id text,
    ADD COLUMN verified_at timestamptz,
    ADD COLUMN challenged_at timestamptz,
    DROP CONSTRAINT endpoint_state_check,
    ADD CONSTRAINT endpoint_state_check CHECK (state IN ('unverified', 'active', 'paused', 'disabled', 'deleted'));

-- What the event is about; and its whole data where an endpoint wants that: the exact bytes, as of `body`.
ALTER TABLE message ADD COLUMN subject text, ADD COLUMN full_data bytea;

-- What the delivery is about, where its endpoint wants strict order. The condition is worded as in the queue's statements,
-- which must not find the index of all that is pending (decision 61).
ALTER TABLE delivery ADD COLUMN subject text;
CREATE INDEX delivery_in_order ON delivery (endpoint_id, subject, id)
    WHERE subject IS NOT NULL AND state NOT IN ('delivered', 'exhausted', 'cancelled');
