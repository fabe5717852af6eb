-- Up Migration

-- The most calls that all workers together make to the server at once. Null: no limit.
ALTER TABLE mcp_server ADD COLUMN max_concurrent_calls integer;

-- The calls under way to servers with such a limit. A worker extends the rows of its calls; those of a worker that has
-- died expire. Without a reference to the server: a call may end after its server was removed.
CREATE TABLE mcp_call_place (
  id            uuid PRIMARY KEY,
  mcp_server_id text NOT NULL,
  held_until    timestamptz NOT NULL
);

CREATE INDEX mcp_call_place_by_server ON mcp_call_place (mcp_server_id, held_until);
CREATE INDEX mcp_call_place_by_end ON mcp_call_place (held_until);

-- Down Migration

DROP TABLE mcp_call_place;
ALTER TABLE mcp_server DROP COLUMN max_concurrent_calls;
