-- Up Migration

-- While a server is paused, its steps wait.
ALTER TABLE mcp_server ADD COLUMN paused boolean NOT NULL DEFAULT false;

-- The number of a server resumption that has not told every waiting step yet; null: there is none. Each resumption of
-- the server has a new number.
ALTER TABLE mcp_server ADD COLUMN pending_resumption bigint;

CREATE INDEX mcp_server_by_pending_resumption ON mcp_server (pending_resumption)
  WHERE pending_resumption IS NOT NULL;

-- Pages show which servers are paused.
CREATE TRIGGER mcp_server_switched_note AFTER UPDATE ON mcp_server
  FOR EACH ROW WHEN (NEW.paused <> OLD.paused AND NEW.registration_version = OLD.registration_version)
  EXECUTE FUNCTION mcp_note_change_of_server();

-- Down Migration

DROP TRIGGER mcp_server_switched_note ON mcp_server;
DROP INDEX mcp_server_by_pending_resumption;
ALTER TABLE mcp_server DROP COLUMN pending_resumption;
ALTER TABLE mcp_server DROP COLUMN paused;
