-- The number of an institution's page on LinkedIn, which Add-to-Profile links name.
ALTER TABLE institution ADD COLUMN linkedin_organization_id bigint;
ALTER TABLE institution_profile ADD COLUMN linkedin_organization_id bigint;

-- The version at which a credential's expiry was told: once each, also of one that is suspended, not of a revoked one.
ALTER TABLE credential ADD COLUMN expired_version bigint;
CREATE INDEX credential_to_expire ON credential (valid_until)
    WHERE valid_until IS NOT NULL AND expired_version IS NULL AND status <> 'revoked';
