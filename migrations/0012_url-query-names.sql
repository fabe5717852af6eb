-- Up Migration

-- The query of a server's URL may hold keys: it is sealed with the server's other secrets, and url holds none of it. Rows
-- from before keep theirs in url until the server is registered again: SQL has no key to seal it with.
ALTER TABLE mcp_server ADD COLUMN url_query_names text[] NOT NULL DEFAULT '{}';

-- Down Migration

ALTER TABLE mcp_server DROP COLUMN url_query_names;
