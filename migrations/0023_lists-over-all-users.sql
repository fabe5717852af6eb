-- Up Migration

-- An operator of large tables may have built these before, without a lock: IF NOT EXISTS.
--
-- Lists over all users, a page at a time in the order of the primary key. No refresh changes what these indexes hold.
CREATE INDEX IF NOT EXISTS mcp_credential_by_server ON mcp_credential (mcp_server_id, user_id, account)
  WHERE status <> 'disconnected';
CREATE INDEX IF NOT EXISTS mcp_credential_to_reconnect ON mcp_credential (user_id, mcp_server_id, account)
  WHERE status = 'reauth-required';
-- Connections that ended because their server was changed.
CREATE INDEX IF NOT EXISTS mcp_credential_by_revision ON mcp_credential (mcp_server_id, server_revision, user_id, account)
  WHERE status = 'connected';
CREATE INDEX IF NOT EXISTS mcp_credential_by_status_since ON mcp_credential (status_since) WHERE status <> 'disconnected';

CREATE INDEX IF NOT EXISTS mcp_audit_event_by_server ON mcp_audit_event (mcp_server_id, at) WHERE mcp_server_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS mcp_audit_event_by_actor ON mcp_audit_event (actor_user_id, at) WHERE actor_user_id IS NOT NULL;

-- Down Migration

DROP INDEX mcp_audit_event_by_actor;
DROP INDEX mcp_audit_event_by_server;
DROP INDEX mcp_credential_by_status_since;
DROP INDEX mcp_credential_by_revision;
DROP INDEX mcp_credential_to_reconnect;
DROP INDEX mcp_credential_by_server;
