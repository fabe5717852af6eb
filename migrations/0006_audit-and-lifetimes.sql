-- Up Migration

-- Who did what. Written in the transaction of the fact where the fact is in this database. Holds neither secrets
-- nor arguments and results of tools.
CREATE TABLE mcp_audit_event (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at            timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- The user id of the caller's token; null: the operator on the command line.
  actor_user_id text,
  action        text NOT NULL CHECK (action ~ '^[a-z]+(-[a-z]+)*$'),
  -- What it was done to.
  user_id       text,
  mcp_server_id text,
  step_id       text,
  workflow_id   text,
  details       jsonb NOT NULL DEFAULT '{}'
                CHECK (jsonb_typeof(details) = 'object' AND octet_length(details::text) <= 2048)
);

CREATE INDEX mcp_audit_event_by_age ON mcp_audit_event (at);
CREATE INDEX mcp_audit_event_by_user ON mcp_audit_event (user_id, at);

CREATE FUNCTION mcp_audit_event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    -- Set by mcp_audit_event_expire alone, for its own DELETE.
    IF current_setting('latchkey.audit_expiry', true) = 'on' AND OLD.at < now() - interval '1 day' THEN
      RETURN OLD;
    END IF;
  END IF;
  RAISE EXCEPTION 'mcp_audit_event is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER mcp_audit_event_append_only BEFORE UPDATE OR DELETE ON mcp_audit_event
  FOR EACH ROW EXECUTE FUNCTION mcp_audit_event_refuse();

CREATE TRIGGER mcp_audit_event_never_truncated BEFORE TRUNCATE ON mcp_audit_event
  FOR EACH STATEMENT EXECUTE FUNCTION mcp_audit_event_refuse();

-- The retention of the audit log, and the only way out of it. With its owner's rights, so that the role that runs
-- Latchkey can do with INSERT and SELECT on the table and EXECUTE on this.
CREATE FUNCTION mcp_audit_event_expire(retention_days integer, at_most integer) RETURNS bigint
  LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  expired bigint;
BEGIN
  IF retention_days IS NULL OR retention_days < 1 THEN
    RAISE EXCEPTION 'the audit log is kept for a day at least' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM set_config('latchkey.audit_expiry', 'on', true);
  DELETE FROM mcp_audit_event WHERE id IN (
    SELECT id FROM mcp_audit_event WHERE at < now() - make_interval(days => retention_days) ORDER BY at LIMIT at_most);
  GET DIAGNOSTICS expired = ROW_COUNT;
  PERFORM set_config('latchkey.audit_expiry', '', true);
  RETURN expired;
END
$$;

REVOKE ALL ON FUNCTION mcp_audit_event_expire(integer, integer) FROM PUBLIC;

-- The highest versions of all tombstones that are gone. Whoever connects for the first time starts above them: no
-- step that is still paused over a version of then can take a version of now for one it has seen.
CREATE TABLE mcp_version_floor (
  singleton          boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  credential_version bigint NOT NULL,
  token_version      bigint NOT NULL
);

INSERT INTO mcp_version_floor (credential_version, token_version) VALUES (0, 0);

-- The user is to be forgotten: the tombstone goes as soon as nothing is left to revoke.
ALTER TABLE mcp_credential ADD COLUMN forgotten_at timestamptz;

CREATE INDEX mcp_credential_tombstone ON mcp_credential (updated_at) WHERE status = 'disconnected';

-- When the step was last known to be there.
ALTER TABLE mcp_step_waiter ADD COLUMN alive_at timestamptz NOT NULL DEFAULT now();

CREATE INDEX mcp_step_waiter_by_last_sign ON mcp_step_waiter (alive_at);

CREATE INDEX mcp_stored_result_by_user ON mcp_stored_result (user_id);

-- Down Migration

DROP INDEX mcp_stored_result_by_user;
DROP INDEX mcp_step_waiter_by_last_sign;
ALTER TABLE mcp_step_waiter DROP COLUMN alive_at;
DROP INDEX mcp_credential_tombstone;
ALTER TABLE mcp_credential DROP COLUMN forgotten_at;
DROP TABLE mcp_version_floor;
DROP FUNCTION mcp_audit_event_expire(integer, integer);
DROP TABLE mcp_audit_event;
DROP FUNCTION mcp_audit_event_refuse();
