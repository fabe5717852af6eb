-- Up Migration

-- What became of connections, until a worker with webhooks has taken it on, or for a day. Written by triggers,
-- so that no way of changing a connection can forget it, and in the transaction that makes the change.
CREATE TABLE mcp_connection_event (
  id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id       text NOT NULL,
  mcp_server_id text NOT NULL,
  status        text NOT NULL CHECK (status IN ('connected', 'reauth-required')),
  reason        text,
  version       bigint NOT NULL,
  happened_at   timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX mcp_connection_event_by_age ON mcp_connection_event (happened_at);

CREATE FUNCTION mcp_credential_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO mcp_connection_event (user_id, mcp_server_id, status, reason, version)
  VALUES (NEW.user_id, NEW.mcp_server_id, NEW.status, NEW.reason, NEW.credential_version);
  RETURN NULL;
END
$$;

-- A first deposit.
CREATE TRIGGER mcp_credential_inserted AFTER INSERT ON mcp_credential
  FOR EACH ROW WHEN (NEW.status <> 'disconnected')
  EXECUTE FUNCTION mcp_credential_changed();

-- A later deposit, a recovery or a verdict; not a renewal, which changes neither status nor version.
CREATE TRIGGER mcp_credential_updated AFTER UPDATE ON mcp_credential
  FOR EACH ROW WHEN (NEW.status <> 'disconnected'
    AND (NEW.status, NEW.credential_version) IS DISTINCT FROM (OLD.status, OLD.credential_version))
  EXECUTE FUNCTION mcp_credential_changed();

CREATE FUNCTION mcp_server_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO mcp_connection_event (user_id, mcp_server_id, status, reason, version)
  SELECT user_id, mcp_server_id, 'reauth-required', 'server-changed', credential_version
    FROM mcp_credential
   WHERE mcp_server_id = NEW.id AND status = 'connected' AND server_revision <> NEW.revision
     -- Those of an earlier revision have been told before; a server registered again knows no earlier one.
     AND (TG_OP = 'INSERT' OR server_revision = OLD.revision);
  RETURN NULL;
END
$$;

CREATE TRIGGER mcp_server_inserted AFTER INSERT ON mcp_server
  FOR EACH ROW EXECUTE FUNCTION mcp_server_changed();

CREATE TRIGGER mcp_server_updated AFTER UPDATE ON mcp_server
  FOR EACH ROW WHEN (NEW.revision <> OLD.revision)
  EXECUTE FUNCTION mcp_server_changed();

-- Down Migration

DROP TRIGGER mcp_server_updated ON mcp_server;
DROP TRIGGER mcp_server_inserted ON mcp_server;
DROP TRIGGER mcp_credential_updated ON mcp_credential;
DROP TRIGGER mcp_credential_inserted ON mcp_credential;
DROP FUNCTION mcp_server_changed();
DROP FUNCTION mcp_credential_changed();
DROP TABLE mcp_connection_event;
