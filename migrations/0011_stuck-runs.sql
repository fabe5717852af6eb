-- Up Migration

-- Runs of workflows that kept a worker from answering for so long that it may die of it. A worker looks here before
-- it takes one over. By run alone: nothing of users.
CREATE TABLE mcp_stuck_run (
  run_id   text PRIMARY KEY,
  times    integer NOT NULL DEFAULT 1,
  stuck_at timestamptz NOT NULL DEFAULT now()
);

-- Down Migration

DROP TABLE mcp_stuck_run;
