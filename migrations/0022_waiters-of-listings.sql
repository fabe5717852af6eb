-- Up Migration

-- A listing of tools waits for several connections at once, so a workflow may have several waiters.
ALTER TABLE mcp_step_waiter
  DROP CONSTRAINT mcp_step_waiter_pkey,
  ADD PRIMARY KEY (workflow_id, mcp_server_id, account);

-- Down Migration

-- An older version has no listings that wait. The key of its table names a workflow once.
DELETE FROM mcp_step_waiter w USING mcp_step_waiter other
 WHERE w.workflow_id = other.workflow_id
   AND (w.mcp_server_id, w.account) > (other.mcp_server_id, other.account);
ALTER TABLE mcp_step_waiter
  DROP CONSTRAINT mcp_step_waiter_pkey,
  ADD PRIMARY KEY (workflow_id);
