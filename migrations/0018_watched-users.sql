-- Up Migration

-- Users who have a page open. Only they are written to when something of theirs changes, so a step of a user who looks
-- at nothing costs no row. A number rises with each change; a page compares it with the one that it has seen.
CREATE SEQUENCE mcp_user_change;

-- No index on the time: the table is as small as the number of people who look, and without it an update of a row
-- touches no index.
CREATE TABLE mcp_watched_user (
  user_id       text PRIMARY KEY,
  -- From one sequence, so that a row that was deleted and made again never has a number that a page has seen.
  change        bigint NOT NULL DEFAULT nextval('mcp_user_change'),
  watched_until timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Returns the watched users whose row another transaction holds. It does not wait for them, because one transaction that
-- hangs must not stop the notes of all others.
CREATE FUNCTION mcp_note_changes(users text[]) RETURNS SETOF text LANGUAGE sql AS $$
  WITH free AS (
    SELECT user_id FROM mcp_watched_user WHERE user_id = ANY (users) ORDER BY user_id FOR UPDATE SKIP LOCKED),
  noted AS (
    UPDATE mcp_watched_user w SET change = nextval('mcp_user_change')
      FROM free WHERE w.user_id = free.user_id RETURNING w.user_id)
  SELECT user_id FROM mcp_watched_user WHERE user_id = ANY (users)
  EXCEPT SELECT user_id FROM noted
$$;

-- Waits for the row: nobody notes this change again, and only the user's own changes wait for each other.
CREATE FUNCTION mcp_note_change_of_credential() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE mcp_watched_user SET change = nextval('mcp_user_change') WHERE user_id = NEW.user_id;
  RETURN NULL;
END
$$;

CREATE TRIGGER mcp_credential_inserted_note AFTER INSERT ON mcp_credential
  FOR EACH ROW EXECUTE FUNCTION mcp_note_change_of_credential();

-- A deposit, a disconnect, a recovery or a verdict; not a renewal, which changes nothing that a page shows.
CREATE TRIGGER mcp_credential_updated_note AFTER UPDATE ON mcp_credential
  FOR EACH ROW WHEN ((NEW.status, NEW.reason, NEW.credential_version)
    IS DISTINCT FROM (OLD.status, OLD.reason, OLD.credential_version))
  EXECUTE FUNCTION mcp_note_change_of_credential();

-- Pages name servers and show whether their connections still count. Admins change registrations seldom.
CREATE FUNCTION mcp_note_change_of_server() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM mcp_note_changes(ARRAY(SELECT user_id FROM mcp_watched_user));
  RETURN NULL;
END
$$;

CREATE TRIGGER mcp_server_added_or_removed_note AFTER INSERT OR DELETE ON mcp_server
  FOR EACH ROW EXECUTE FUNCTION mcp_note_change_of_server();

-- Not a rotation of encryption keys, which keeps the version.
CREATE TRIGGER mcp_server_updated_note AFTER UPDATE ON mcp_server
  FOR EACH ROW WHEN (NEW.registration_version <> OLD.registration_version)
  EXECUTE FUNCTION mcp_note_change_of_server();

-- A page of a browser that was signed out elsewhere says so at once.
CREATE FUNCTION mcp_note_end_of_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM mcp_note_changes(ARRAY(SELECT DISTINCT user_id FROM ended));
  RETURN NULL;
END
$$;

CREATE TRIGGER mcp_web_session_ended_note AFTER DELETE ON mcp_web_session
  REFERENCING OLD TABLE AS ended
  FOR EACH STATEMENT EXECUTE FUNCTION mcp_note_end_of_sessions();

-- Down Migration

DROP TRIGGER mcp_web_session_ended_note ON mcp_web_session;
DROP TRIGGER mcp_server_updated_note ON mcp_server;
DROP TRIGGER mcp_server_added_or_removed_note ON mcp_server;
DROP TRIGGER mcp_credential_updated_note ON mcp_credential;
DROP TRIGGER mcp_credential_inserted_note ON mcp_credential;
DROP FUNCTION mcp_note_end_of_sessions();
DROP FUNCTION mcp_note_change_of_server();
DROP FUNCTION mcp_note_change_of_credential();
DROP FUNCTION mcp_note_changes(text[]);
DROP TABLE mcp_watched_user;
DROP SEQUENCE mcp_user_change;
