-- Up Migration

-- Tool results too large for Temporal's history, until their retention is over.
CREATE TABLE mcp_stored_result (
  id            uuid PRIMARY KEY,
  user_id       text NOT NULL,
  mcp_server_id text NOT NULL,
  workflow_id   text NOT NULL,
  -- JWE of the result as JSON.
  result_jwe    text NOT NULL,
  -- Of the JSON.
  bytes         integer NOT NULL,
  stored_at     timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX mcp_stored_result_by_age ON mcp_stored_result (stored_at);

-- Down Migration

DROP TABLE mcp_stored_result;
