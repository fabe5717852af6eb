-- Up Migration

-- A listing of tools waits for several connections at once. It has a table of its own, so that workers of an older
-- version find the table of steps as they know it, and never delete what a listing waits for.
CREATE TABLE mcp_listing_waiter (
  workflow_id     text NOT NULL,
  step_id         text NOT NULL,
  user_id         text NOT NULL,
  mcp_server_id   text NOT NULL,
  account         text NOT NULL DEFAULT 'default',
  -- The credential version that the listing saw before it decided to wait.
  seen_version    bigint NOT NULL,
  -- The scopes that a pause for scope needs, separated by spaces.
  required_scopes text,
  registered_at   timestamptz NOT NULL DEFAULT now(),
  -- When the listing was last known to be there.
  alive_at        timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (workflow_id, mcp_server_id, account)
);

CREATE INDEX mcp_listing_waiter_by_credential
  ON mcp_listing_waiter (user_id, mcp_server_id, account, workflow_id);

CREATE INDEX mcp_listing_waiter_by_last_sign ON mcp_listing_waiter (alive_at);

-- Whatever waits, to be read. Postgres uses the indexes of both tables.
CREATE VIEW mcp_waiter AS
  SELECT workflow_id, step_id, user_id, mcp_server_id, account, seen_version, required_scopes, registered_at, alive_at
    FROM mcp_step_waiter
  UNION ALL
  SELECT workflow_id, step_id, user_id, mcp_server_id, account, seen_version, required_scopes, registered_at, alive_at
    FROM mcp_listing_waiter;

-- Down Migration

DROP VIEW mcp_waiter;
DROP TABLE mcp_listing_waiter;
