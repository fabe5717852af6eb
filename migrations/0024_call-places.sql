-- Up Migration

-- The most calls that all workers together make to the server at once. Null: no limit.
ALTER TABLE mcp_server ADD COLUMN max_concurrent_calls integer;

-- The calls under way to servers with such a limit. A worker extends the rows of its calls; those of a worker that has
-- died expire. Without a reference to the server: a call may end after its server was removed.
CREATE TABLE mcp_call_place (
  id            uuid PRIMARY KEY,
  mcp_server_id text NOT NULL,
  held_until    timestamptz NOT NULL
);

CREATE INDEX mcp_call_place_by_server ON mcp_call_place (mcp_server_id, held_until);
CREATE INDEX mcp_call_place_by_end ON mcp_call_place (held_until);

-- Takes a place if fewer than `most` are held, and returns whether it did. The lock makes the count exact: without it, two
-- workers that count at the same time would both take the last place. The count sees what was committed before the lock
-- was given, because each statement of such a function has a snapshot of its own.
CREATE FUNCTION mcp_take_call_place(place uuid, server text, most integer, seconds integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('mcp_call_place/' || server, 0));
  INSERT INTO mcp_call_place (id, mcp_server_id, held_until)
  SELECT place, server, clock_timestamp() + make_interval(secs => seconds)
   WHERE (SELECT count(*) FROM mcp_call_place
           WHERE mcp_server_id = server AND held_until > clock_timestamp()) < most;
  RETURN FOUND;
END $$;

-- Down Migration

DROP FUNCTION mcp_take_call_place(uuid, text, integer, integer);

DROP TABLE mcp_call_place;
ALTER TABLE mcp_server DROP COLUMN max_concurrent_calls;
