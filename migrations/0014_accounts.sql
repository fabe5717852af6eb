-- Up Migration

-- A user can connect one server with several accounts. Existing rows belong to the account `default`. The defaults are
-- constants, so no table is rewritten; servers of an older version leave the column out.
ALTER TABLE mcp_credential
  ADD COLUMN account text NOT NULL DEFAULT 'default',
  -- What the user or the host calls the account. Shown to its user.
  ADD COLUMN label   text,
  -- Whose account it is at the provider. A deposit for somebody else is refused unless it says that it replaces.
  ADD COLUMN subject text;

ALTER TABLE mcp_credential
  DROP CONSTRAINT mcp_credential_pkey,
  ADD PRIMARY KEY (user_id, mcp_server_id, account);

-- The rows of one key, a page at a time in the order of the primary key.
DROP INDEX mcp_credential_by_grant_kid;
DROP INDEX mcp_credential_by_access_token_kid;
DROP INDEX mcp_credential_by_revocation_kid;
CREATE INDEX mcp_credential_by_grant_kid ON mcp_credential (grant_kid, user_id, mcp_server_id, account)
  WHERE grant_kid IS NOT NULL;
CREATE INDEX mcp_credential_by_access_token_kid ON mcp_credential (access_token_kid, user_id, mcp_server_id, account)
  WHERE access_token_kid IS NOT NULL;
CREATE INDEX mcp_credential_by_revocation_kid ON mcp_credential (revocation_kid, user_id, mcp_server_id, account)
  WHERE revocation_kid IS NOT NULL;

ALTER TABLE mcp_step_waiter
  ADD COLUMN account text NOT NULL DEFAULT 'default',
  -- The scopes that a step paused for scope needs, separated by spaces: one consent asks for those of all its steps.
  ADD COLUMN required_scopes text;

DROP INDEX mcp_step_waiter_by_credential;
CREATE INDEX mcp_step_waiter_by_credential ON mcp_step_waiter (user_id, mcp_server_id, account, workflow_id);

ALTER TABLE mcp_connection_event ADD COLUMN account text NOT NULL DEFAULT 'default';

-- Of events that are about a connection or a step; otherwise it says nothing.
ALTER TABLE mcp_audit_event ADD COLUMN account text NOT NULL DEFAULT 'default';

CREATE OR REPLACE FUNCTION mcp_credential_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO mcp_connection_event (user_id, mcp_server_id, account, status, reason, version)
  VALUES (NEW.user_id, NEW.mcp_server_id, NEW.account, NEW.status, NEW.reason, NEW.credential_version);
  RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION mcp_server_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO mcp_connection_event (user_id, mcp_server_id, account, status, reason, version)
  SELECT user_id, mcp_server_id, account, 'reauth-required', 'server-changed', credential_version
    FROM mcp_credential
   WHERE mcp_server_id = NEW.id AND status = 'connected' AND server_revision <> NEW.revision
     -- Earlier revisions were announced before; a re-registered server has no earlier revision.
     AND (TG_OP = 'INSERT' OR server_revision = OLD.revision);
  RETURN NULL;
END
$$;

-- Down Migration

-- An older version can't name other accounts, so their connections and waiters are deleted. The floor rises above their
-- versions, so that a later version is never equal to one that a step has seen.
WITH gone AS (
  DELETE FROM mcp_credential WHERE account <> 'default' RETURNING credential_version, token_version
)
UPDATE mcp_version_floor SET
  credential_version = greatest(credential_version, (SELECT max(credential_version) FROM gone)),
  token_version = greatest(token_version, (SELECT max(token_version) FROM gone));
DELETE FROM mcp_step_waiter WHERE account <> 'default';
DELETE FROM mcp_connection_event WHERE account <> 'default';

CREATE OR REPLACE FUNCTION mcp_server_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO mcp_connection_event (user_id, mcp_server_id, status, reason, version)
  SELECT user_id, mcp_server_id, 'reauth-required', 'server-changed', credential_version
    FROM mcp_credential
   WHERE mcp_server_id = NEW.id AND status = 'connected' AND server_revision <> NEW.revision
     AND (TG_OP = 'INSERT' OR server_revision = OLD.revision);
  RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION mcp_credential_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO mcp_connection_event (user_id, mcp_server_id, status, reason, version)
  VALUES (NEW.user_id, NEW.mcp_server_id, NEW.status, NEW.reason, NEW.credential_version);
  RETURN NULL;
END
$$;

ALTER TABLE mcp_audit_event DROP COLUMN account;
ALTER TABLE mcp_connection_event DROP COLUMN account;
DROP INDEX mcp_step_waiter_by_credential;
ALTER TABLE mcp_step_waiter DROP COLUMN required_scopes, DROP COLUMN account;
CREATE INDEX mcp_step_waiter_by_credential ON mcp_step_waiter (user_id, mcp_server_id, workflow_id);
DROP INDEX mcp_credential_by_revocation_kid;
DROP INDEX mcp_credential_by_access_token_kid;
DROP INDEX mcp_credential_by_grant_kid;
ALTER TABLE mcp_credential
  DROP CONSTRAINT mcp_credential_pkey,
  DROP COLUMN subject, DROP COLUMN label, DROP COLUMN account,
  ADD PRIMARY KEY (user_id, mcp_server_id);
CREATE INDEX mcp_credential_by_grant_kid ON mcp_credential (grant_kid, user_id, mcp_server_id)
  WHERE grant_kid IS NOT NULL;
CREATE INDEX mcp_credential_by_access_token_kid ON mcp_credential (access_token_kid, user_id, mcp_server_id)
  WHERE access_token_kid IS NOT NULL;
CREATE INDEX mcp_credential_by_revocation_kid ON mcp_credential (revocation_kid, user_id, mcp_server_id)
  WHERE revocation_kid IS NOT NULL;
