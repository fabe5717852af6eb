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
  EXECUTE format($create$
    CREATE OR REPLACE FUNCTION %1$s_expire(retention_days integer, at_most integer) RETURNS bigint
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
    DECLARE
      expired bigint;
      minimum_days CONSTANT integer := coalesce(nullif(current_setting('latchkey.audit_minimum_days', true), ''), '1');
    BEGIN
      IF retention_days IS NULL OR retention_days < 1 THEN
        RAISE EXCEPTION 'the audit log is kept for a day at least' USING ERRCODE = 'invalid_parameter_value';
      END IF;
      PERFORM set_config('latchkey.audit_expiry', 'on', true);
      DELETE FROM %1$s WHERE id IN (
        SELECT id FROM %1$s WHERE at < now() - make_interval(days => greatest(retention_days, minimum_days))
         ORDER BY at LIMIT at_most);
      GET DIAGNOSTICS expired = ROW_COUNT;
      PERFORM set_config('latchkey.audit_expiry', '', true);
      RETURN expired;
    END
    $body$
  $create$, full_name);
  -- Part of the function, so that its owner alone can change it: the caller's retention can't undercut it.
  EXECUTE format(
    'ALTER FUNCTION %s_expire(integer, integer) SET latchkey.audit_minimum_days = ''1''', full_name);
  -- With the caller's rights, but what it compares ages with is not to be the caller's either.
  EXECUTE format('ALTER FUNCTION %s_refuse() SET search_path = pg_catalog, pg_temp', full_name);
END
$migration$;

-- Down Migration

DO $migration$
DECLARE
  full_name CONSTANT text :=
    (SELECT relnamespace::regnamespace FROM pg_class WHERE oid = 'mcp_audit_event'::regclass) || '.mcp_audit_event';
BEGIN
  EXECUTE format('ALTER FUNCTION %s_refuse() RESET search_path', full_name);
  EXECUTE format('ALTER FUNCTION %s_expire(integer, integer) RESET latchkey.audit_minimum_days', full_name);
END
$migration$;
