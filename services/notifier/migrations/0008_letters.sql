-- Letters to learners and institutions: whom they go to and what they name (projections of events), what has to be sent,
-- and who wants none.

-- How letters name an institution and where they send its answers.
CREATE TABLE branding (
    institution_id uuid PRIMARY KEY,
    name text NOT NULL,
    url text NOT NULL,
    image text,
    email text,
    version bigint NOT NULL
);
SELECT laurel_protect('branding');

-- Whom a credential was issued to. `address` is sealed under the notifier's own key-encryption key and bound to its row;
-- `address_index` finds equal addresses. A row is `known` once credential.issued was heard: events of another topic may
-- come first. An erased row stays, without an address, so that a replay does not bring it back.
CREATE TABLE addressee (
    credential_id uuid PRIMARY KEY,
    institution_id uuid NOT NULL,
    known boolean NOT NULL DEFAULT false,
    address bytea,
    kek_id text,
    address_index bytea,
    language text,
    title text NOT NULL DEFAULT '',
    issued_at timestamptz,
    valid_until timestamptz,
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended', 'revoked', 'expired')),
    version bigint NOT NULL DEFAULT 0,
    erased_at timestamptz
);
CREATE INDEX addressee_index ON addressee (address_index) WHERE address_index IS NOT NULL;
CREATE INDEX addressee_expiring ON addressee (valid_until) WHERE status = 'active' AND address IS NOT NULL;
SELECT laurel_protect('addressee');

-- Addresses that get no letters, by keyed hash: their owner said so, or no mailbox is there.
CREATE TABLE refusal (
    address_index bytea NOT NULL,
    reason text NOT NULL CHECK (reason IN ('unsubscribed', 'bounced')),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (address_index, reason)
);
SELECT laurel_open('refusal');

-- One letter. `next_at` is when it is taken next; while a mailer has it, when its lease runs out; NULL waits for the
-- addressee to be known. `link` is a claim link, sealed and bound to the row, and goes when it expires. `event_id` is the
-- event that asked for the letter, so that a replayed one asks for nothing. `edition` grows when a person sends it anew.
CREATE TABLE letter (
    id uuid PRIMARY KEY,
    institution_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('earned', 'claim-link', 'expiring-30', 'expiring-7', 'revoked',
        'endpoint-failing', 'endpoint-disabled')),
    credential_id uuid REFERENCES addressee (credential_id),
    endpoint_id uuid REFERENCES endpoint (id),
    event_id uuid UNIQUE,
    language text,
    link bytea,
    link_kek_id text,
    link_expires_at timestamptz,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'bounced', 'suppressed', 'exhausted')),
    reason text,
    edition integer NOT NULL DEFAULT 1,
    attempt integer NOT NULL DEFAULT 0,
    tries integer NOT NULL DEFAULT 0, -- attempts of this edition, which the schedule counts
    next_at timestamptz DEFAULT clock_timestamp(),
    leased_at timestamptz,
    created_at timestamptz NOT NULL,
    settled_at timestamptz,
    CHECK ((credential_id IS NULL) <> (endpoint_id IS NULL))
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
-- What somebody waits for in front of a screen goes first.
CREATE INDEX letter_due ON letter ((kind <> 'claim-link'), next_at, id) WHERE state = 'pending' AND next_at IS NOT NULL;
CREATE UNIQUE INDEX letter_once ON letter (credential_id, kind) WHERE credential_id IS NOT NULL AND kind <> 'claim-link';
CREATE INDEX letter_credential ON letter (credential_id);
CREATE INDEX letter_newest ON letter (institution_id, created_at DESC, id DESC);
CREATE INDEX letter_link ON letter (link_expires_at) WHERE link IS NOT NULL;
SELECT laurel_protect('letter');

-- One try. Codes and a word of ours: what servers answer in words may hold the address.
CREATE TABLE letter_attempt (
    institution_id uuid NOT NULL,
    letter_id uuid NOT NULL REFERENCES letter (id) ON DELETE CASCADE,
    n integer NOT NULL,
    at timestamptz NOT NULL,
    duration_ms integer NOT NULL,
    code integer,
    status text,
    error text,
    PRIMARY KEY (letter_id, n)
);
SELECT laurel_protect('letter_attempt');
