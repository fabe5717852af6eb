-- Up Migration

-- While a server is paused, its steps wait.
ALTER TABLE mcp_server ADD COLUMN paused boolean NOT NULL DEFAULT false;

-- Server resumptions that have not told every waiting step yet. Each has a new number. Without a reference to the server:
-- the steps of a server that was removed are told too.
CREATE TABLE mcp_server_resumption (
  mcp_server_id text PRIMARY KEY,
  resumption    bigint NOT NULL
);

-- Down Migration

DROP TABLE mcp_server_resumption;
ALTER TABLE mcp_server DROP COLUMN paused;
