-- Up Migration

-- Since when a connection has its status: `updated_at` changes with every renewal. Null for rows from before.
ALTER TABLE mcp_credential ADD COLUMN status_since timestamptz;
ALTER TABLE mcp_credential ALTER COLUMN status_since SET DEFAULT now();

CREATE FUNCTION mcp_set_status_since() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.status_since := now();
  RETURN NEW;
END
$$;

-- A trigger, because every version of this program that writes a status has to take part.
CREATE TRIGGER mcp_credential_status_changed BEFORE UPDATE ON mcp_credential
  FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION mcp_set_status_since();

-- Down Migration

DROP TRIGGER mcp_credential_status_changed ON mcp_credential;
DROP FUNCTION mcp_set_status_since();
ALTER TABLE mcp_credential DROP COLUMN status_since;
