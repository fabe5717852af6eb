-- Up Migration

-- An operator of large tables may have built these before, without a lock: IF NOT EXISTS. Otherwise writes to the audit
-- log wait until all three are built: a few seconds for a million rows.
--
-- Lists and exports of the audit log that ask for a rare action, or for a status or reason among the details. Few rows have
-- either.
CREATE INDEX IF NOT EXISTS mcp_audit_event_by_action ON mcp_audit_event (action, at);
CREATE INDEX IF NOT EXISTS mcp_audit_event_by_status ON mcp_audit_event ((details->>'status'), at)
  WHERE details->>'status' IS NOT NULL;
CREATE INDEX IF NOT EXISTS mcp_audit_event_by_reason ON mcp_audit_event ((details->>'reason'), at)
  WHERE details->>'reason' IS NOT NULL;

-- Down Migration

DROP INDEX mcp_audit_event_by_reason;
DROP INDEX mcp_audit_event_by_status;
DROP INDEX mcp_audit_event_by_action;
