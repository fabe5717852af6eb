-- Up Migration

-- One sequence for all servers, so that a server deleted and registered again under its old id never
-- meets a revision that an old credential is bound to.
CREATE SEQUENCE mcp_server_revision;

CREATE TABLE mcp_server (
  id                   text PRIMARY KEY,
  -- Changes with the origin, resource or issuer: credentials are bound to it.
  revision             bigint NOT NULL DEFAULT nextval('mcp_server_revision'),
  -- Changes with anything: pooled connections are bound to it.
  registration_version bigint NOT NULL DEFAULT nextval('mcp_server_revision'),
  url                  text NOT NULL,
  title                text,
  auth_type            text NOT NULL CHECK (auth_type IN ('none', 'bearer', 'oauth2')),
  client_id            text,
  scopes               text,
  authorization_server text,
  header_names         text[] NOT NULL DEFAULT '{}',
  -- JWE: bearer token, operator's client secret, header values.
  secret_jwe           text,
  trust_annotations    boolean NOT NULL DEFAULT false,
  max_result_bytes     integer NOT NULL,
  created_at           timestamptz NOT NULL DEFAULT now(),
  updated_at           timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE mcp_credential (
  user_id                  text NOT NULL,
  mcp_server_id            text NOT NULL,
  server_revision          bigint NOT NULL,
  status                   text NOT NULL CHECK (status IN ('connected', 'reauth-required', 'disconnected')),
  reason                   text,
  -- Rises with every deposit and disconnect, never falls: a disconnected credential stays as a tombstone.
  credential_version       bigint NOT NULL,
  -- Rises with every change of token.
  token_version            bigint NOT NULL,
  -- JWE: all that a grant needs (refresh token, client, endpoint).
  grant_jwe                text,
  access_token_jwe         text,
  -- When to renew the access token; null: at the first 401.
  renew_after              timestamptz,
  scopes                   text,
  client_secret_expires_at timestamptz,
  -- Keyed hashes: of the current refresh token, and of the latest ones that renewals have spent.
  refresh_fingerprint      text,
  spent_fingerprints       text[] NOT NULL DEFAULT '{}',
  -- JWE of a disconnected grant until it has been revoked at its authorization server.
  revocation_jwe           text,
  -- Who may refresh, until when. Times are the database's.
  lease_id                 uuid,
  lease_until              timestamptz,
  -- Intents to send a refresh, and the last one whose answer was stored: a gap is a rotation that may be lost.
  grant_seq                bigint NOT NULL DEFAULT 0,
  stored_seq               bigint NOT NULL DEFAULT 0,
  created_at               timestamptz NOT NULL DEFAULT now(),
  updated_at               timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, mcp_server_id)
);

CREATE INDEX mcp_credential_to_revoke ON mcp_credential (updated_at) WHERE revocation_jwe IS NOT NULL;

CREATE TABLE mcp_step_waiter (
  workflow_id   text PRIMARY KEY,
  step_id       text NOT NULL,
  user_id       text NOT NULL,
  mcp_server_id text NOT NULL,
  -- The credential version that the step saw before it decided to wait.
  seen_version  bigint NOT NULL,
  registered_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX mcp_step_waiter_by_credential ON mcp_step_waiter (user_id, mcp_server_id, workflow_id);

-- Down Migration

DROP TABLE mcp_step_waiter;
DROP TABLE mcp_credential;
DROP TABLE mcp_server;
DROP SEQUENCE mcp_server_revision;
