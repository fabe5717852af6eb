-- Up Migration

-- Whether Temporal was ever restored from a backup, and when: a call that was scheduled before that moment may have
-- been made already, in the time that the restored Temporal knows nothing of.
CREATE TABLE mcp_restoration (
  singleton            boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  temporal_restored_at timestamptz NOT NULL
);

-- Down Migration

DROP TABLE mcp_restoration;
