-- Lists of messages: an entry has several bits, whose meanings stand in each credential. `size` counts entries.
ALTER TABLE status_list DROP CONSTRAINT status_list_purpose_check;
ALTER TABLE status_list ADD CONSTRAINT status_list_purpose_check
    CHECK (purpose IN ('revocation', 'suspension', 'message'));
ALTER TABLE status_list ADD COLUMN entry_bits integer NOT NULL DEFAULT 1 CHECK (entry_bits BETWEEN 1 AND 8);
DROP INDEX status_list_open;
CREATE UNIQUE INDEX status_list_open ON status_list (institution_id, purpose, entry_bits) WHERE is_open;

ALTER TABLE secured_credential
    ADD COLUMN message_list uuid, ADD COLUMN message_index integer, ADD COLUMN message_bits integer;
