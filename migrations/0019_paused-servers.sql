-- Up Migration

-- While a server is paused, its steps wait.
ALTER TABLE mcp_server ADD COLUMN paused boolean NOT NULL DEFAULT false;

-- The number of a server resumption that has not told every waiting step yet; null: there is none. Each resumption of
-- the server has a new number.
ALTER TABLE mcp_server ADD COLUMN pending_resumption bigint;

CREATE INDEX mcp_server_by_pending_resumption ON mcp_server (pending_resumption)
  WHERE pending_resumption IS NOT NULL;

-- Down Migration

DROP INDEX mcp_server_by_pending_resumption;
ALTER TABLE mcp_server DROP COLUMN pending_resumption;
ALTER TABLE mcp_server DROP COLUMN paused;
