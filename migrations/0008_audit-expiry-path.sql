-- Up Migration

-- Runs with its owner's rights, so no name in it may be looked up where its caller can put one: a temporary table
-- is found before all others unless pg_temp is named last, and a function of a schema that others may write to can
-- fit better than a built-in one (CVE-2018-1058). Hence the built-in schema alone, and the table by its full name.
-- The schema is the one that this very table is in, wherever the search path has put it.
DO $migration$
DECLARE
  full_name CONSTANT text :=
    (SELECT relnamespace::regnamespace FROM pg_class WHERE oid = 'mcp_audit_event'::regclass) || '.mcp_audit_event';
BEGIN
  -- For its owner alone to replace: the caller's retention can't undercut it. A function, since a setting of the
  -- other function would take a superuser to make.
  EXECUTE format(
    'CREATE OR REPLACE FUNCTION %s_minimum_days() RETURNS integer LANGUAGE sql IMMUTABLE AS $days$SELECT 1$days$',
    full_name);
  EXECUTE format($create$
    CREATE OR REPLACE FUNCTION %1$s_expire(retention_days integer, at_most integer) RETURNS bigint
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
    DECLARE
      expired bigint;
      days CONSTANT integer := greatest(retention_days, %1$s_minimum_days());
    BEGIN
      IF retention_days IS NULL OR retention_days < 1 THEN
        RAISE EXCEPTION 'the audit log is kept for a day at least' USING ERRCODE = 'invalid_parameter_value';
      END IF;
      PERFORM set_config('latchkey.audit_expiry', 'on', true);
      DELETE FROM %1$s WHERE id IN (
        SELECT id FROM %1$s WHERE at < now() - make_interval(days => days) ORDER BY at LIMIT at_most);
      GET DIAGNOSTICS expired = ROW_COUNT;
      PERFORM set_config('latchkey.audit_expiry', '', true);
      RETURN expired;
    END
    $body$
  $create$, full_name);
  -- With the caller's rights, but what it compares ages with is not to be the caller's either.
  EXECUTE format('ALTER FUNCTION %s_refuse() SET search_path = pg_catalog, pg_temp', full_name);
END
$migration$;

-- Down Migration

-- The retention stays as it was mended, with its minimum: the way back would open the hole again.
DO $migration$
BEGIN
  EXECUTE format('ALTER FUNCTION %s_refuse() RESET search_path',
    (SELECT relnamespace::regnamespace FROM pg_class WHERE oid = 'mcp_audit_event'::regclass) || '.mcp_audit_event');
END
$migration$;
