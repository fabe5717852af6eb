-- Up Migration

-- Pages show which servers are paused. A pause keeps the version of the registration.
DROP TRIGGER mcp_server_updated_note ON mcp_server;
CREATE TRIGGER mcp_server_updated_note AFTER UPDATE ON mcp_server
  FOR EACH ROW WHEN (NEW.registration_version <> OLD.registration_version OR NEW.paused <> OLD.paused)
  EXECUTE FUNCTION mcp_note_change_of_server();

-- Down Migration

DROP TRIGGER mcp_server_updated_note ON mcp_server;
CREATE TRIGGER mcp_server_updated_note AFTER UPDATE ON mcp_server
  FOR EACH ROW WHEN (NEW.registration_version <> OLD.registration_version)
  EXECUTE FUNCTION mcp_note_change_of_server();
