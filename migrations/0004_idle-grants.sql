-- Up Migration

ALTER TABLE mcp_server
  -- How long its authorization server remembers a refresh token that nobody uses: as the admin wrote it, and what
  -- that comes to. No part of what credentials are bound to.
  ADD COLUMN idle_limit         text,
  ADD COLUMN idle_limit_seconds integer,
  ADD CONSTRAINT mcp_server_idle_limit CHECK ((idle_limit IS NULL) = (idle_limit_seconds IS NULL));

ALTER TABLE mcp_credential
  -- When the authorization server last saw the grant used: its deposit or its last renewal.
  ADD COLUMN grant_used_at    timestamptz NOT NULL DEFAULT now(),
  -- When a renewal for idleness was last begun. After grant_used_at: it came to nothing.
  ADD COLUMN renewal_tried_at timestamptz;

-- Of a connected credential nothing but a deposit or a renewal has moved it so far.
UPDATE mcp_credential SET grant_used_at = updated_at;

-- When a grant is due depends on its server's limit and on which of 256 slots its user falls into. With the slot
-- in the index, those due are one range a slot, however many are not due.
CREATE INDEX mcp_credential_idle ON mcp_credential (mcp_server_id, (hashtext(user_id) & 255), grant_used_at)
  WHERE status = 'connected';

-- Down Migration

DROP INDEX mcp_credential_idle;
ALTER TABLE mcp_credential DROP COLUMN renewal_tried_at, DROP COLUMN grant_used_at;
ALTER TABLE mcp_server DROP COLUMN idle_limit_seconds, DROP COLUMN idle_limit;
