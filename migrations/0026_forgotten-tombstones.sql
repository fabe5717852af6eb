-- Up Migration

-- An operator of large tables may have built it before, without a lock: IF NOT EXISTS.
--
-- The few tombstones of forgotten users. Without it, the purge, which runs every 30 seconds, reads every tombstone that is
-- still to be kept.
CREATE INDEX IF NOT EXISTS mcp_credential_forgotten ON mcp_credential (user_id) WHERE forgotten_at IS NOT NULL;

-- Down Migration

DROP INDEX mcp_credential_forgotten;
