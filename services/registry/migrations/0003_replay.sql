-- What it takes to tell the platforms again what they were told, should a broker lose it: the versions of the events, and
-- what the institution was called in the first of them. The rest stands in the rows, ids and times in `event_history`.
ALTER TABLE share
    ADD COLUMN shared_version bigint,
    ADD COLUMN withdrawn_version bigint,
    ADD COLUMN issuer_name text, -- none of the three where the institution was not heard of then
    ADD COLUMN issuer_url text,
    ADD COLUMN issuer_linkedin_id bigint;

-- Each share.changed: what the platform of a share was told of the credential's status.
CREATE TABLE share_change (
    credential_id uuid NOT NULL,
    version bigint NOT NULL,
    share_id uuid NOT NULL REFERENCES share,
    status text NOT NULL CHECK (status IN ('active', 'suspended', 'revoked', 'expired')),
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (credential_id, version)
);
SELECT laurel_open('share_change');

-- Earlier shares are told again with what the institution is called now, which is all that is known. An event has the time
-- of the consent, or of its end. The owner is subject to the policies too, and none is for it.
ALTER TABLE share NO FORCE ROW LEVEL SECURITY;
ALTER TABLE institution NO FORCE ROW LEVEL SECURITY;
UPDATE share SET shared_version = h.version FROM event_history h
    WHERE h.type = 'org.laurel.credential.shared.v1' AND h.subject = credential_id::text AND h.at = shared_at;
UPDATE share SET withdrawn_version = h.version FROM event_history h
    WHERE h.type = 'org.laurel.credential.unshared.v1' AND h.subject = credential_id::text AND h.at = withdrawn_at;
UPDATE share SET issuer_name = i.name, issuer_url = i.url, issuer_linkedin_id = i.linkedin_organization_id
    FROM institution i WHERE i.institution_id = share.institution_id;
ALTER TABLE share FORCE ROW LEVEL SECURITY;
ALTER TABLE institution FORCE ROW LEVEL SECURITY;
ALTER TABLE share ALTER COLUMN shared_version SET NOT NULL;
