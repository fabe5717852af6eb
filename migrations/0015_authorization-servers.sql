-- Up Migration

-- What an admin registers for an authorization server whose metadata are missing or leave it out.
ALTER TABLE mcp_server
  ADD COLUMN authorization_endpoint text,
  ADD COLUMN token_endpoint         text,
  ADD COLUMN revocation_endpoint    text,
  ADD COLUMN authorization_params   jsonb CHECK (jsonb_typeof(authorization_params) = 'object'),
  -- A URI, or 'omit'.
  ADD COLUMN resource               text;

ALTER TABLE mcp_server DROP CONSTRAINT mcp_server_token_endpoint_auth_method_check;
ALTER TABLE mcp_server ADD CONSTRAINT mcp_server_token_endpoint_auth_method_check
  CHECK (token_endpoint_auth_method IN ('client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'));

-- Metadata of authorization servers, and where an MCP server's challenge led, shared by all processes. Holds no secret:
-- what is public at the servers, and addresses without a query. The servers are asked again for rows that are lost.
CREATE TABLE mcp_authorization_server_metadata (
  -- SHA-256 of what was asked for.
  id         text PRIMARY KEY CHECK (length(id) = 43),
  content    jsonb NOT NULL,
  expires_at timestamptz NOT NULL
);

CREATE INDEX mcp_authorization_server_metadata_by_expiry ON mcp_authorization_server_metadata (expires_at);

-- Down Migration

DROP TABLE mcp_authorization_server_metadata;
-- Older versions can't use a client with a key.
UPDATE mcp_server SET token_endpoint_auth_method = NULL WHERE token_endpoint_auth_method = 'private_key_jwt';
ALTER TABLE mcp_server DROP CONSTRAINT mcp_server_token_endpoint_auth_method_check;
ALTER TABLE mcp_server ADD CONSTRAINT mcp_server_token_endpoint_auth_method_check
  CHECK (token_endpoint_auth_method IN ('client_secret_basic', 'client_secret_post', 'none'));
ALTER TABLE mcp_server
  DROP COLUMN resource, DROP COLUMN authorization_params, DROP COLUMN revocation_endpoint,
  DROP COLUMN token_endpoint, DROP COLUMN authorization_endpoint;
