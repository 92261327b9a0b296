-- Helpers that every later migration uses to open a table to the two roles the application works as.

GRANT USAGE ON SCHEMA public TO laurel_tenant, laurel_worker;

-- A table with tenants: a tenant's transaction sees its own rows only, and none when app.institution is unset.
CREATE FUNCTION laurel_protect(target regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    EXECUTE format(
        'CREATE POLICY tenant ON %s TO laurel_tenant USING (institution_id = nullif(current_setting(''app.institution'', true), '''')::uuid)',
        target);
    EXECUTE format('CREATE POLICY worker ON %s TO laurel_worker USING (true)', target);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO laurel_tenant, laurel_worker', target);
END $$;

-- A table without tenants that only workers touch.
CREATE FUNCTION laurel_open(target regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO laurel_worker', target);
END $$;
