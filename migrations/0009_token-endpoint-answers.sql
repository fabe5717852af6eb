-- Up Migration

ALTER TABLE mcp_credential
  -- How often in a row the token endpoint has refused the current refresh token in words that nobody knows, and when
  -- it may be asked again: many processes and steps together ask as often as one would.
  ADD COLUMN refused_times       smallint NOT NULL DEFAULT 0,
  ADD COLUMN refresh_not_before  timestamptz,
  -- What the token endpoint does not take from this grant, found out by asking without it.
  ADD COLUMN omitted_parameters  text[] NOT NULL DEFAULT '{}'
    CHECK (omitted_parameters <@ ARRAY['scope', 'resource']),
  -- How the client has authenticated with success, where nobody has said how it does.
  ADD COLUMN learned_auth_method text
    CHECK (learned_auth_method IN ('client_secret_basic', 'client_secret_post', 'none'));

ALTER TABLE mcp_server
  ADD COLUMN token_endpoint_auth_method text
    CHECK (token_endpoint_auth_method IN ('client_secret_basic', 'client_secret_post', 'none'));

-- Down Migration

ALTER TABLE mcp_server DROP COLUMN token_endpoint_auth_method;
ALTER TABLE mcp_credential
  DROP COLUMN learned_auth_method, DROP COLUMN omitted_parameters,
  DROP COLUMN refresh_not_before, DROP COLUMN refused_times;
