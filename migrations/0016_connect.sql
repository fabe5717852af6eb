-- Up Migration

-- OAuth clients that Latchkey has registered at authorization servers (RFC 7591). Rows are added and never replaced,
-- because a credential keeps the client that it was issued to.
CREATE TABLE mcp_client_registration (
  id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  issuer        text NOT NULL,
  mcp_server_id text NOT NULL,
  redirect_uri  text NOT NULL,
  -- Counts up. Of two processes that register at once, the first to store its client wins.
  generation    integer NOT NULL,
  -- JWE: client id, secret, authentication method and issuer.
  client_jwe    text NOT NULL,
  client_kid    text GENERATED ALWAYS AS (jwe_kid(client_jwe)) STORED,
  -- When the secret expires; null: never.
  expires_at    timestamptz,
  -- The authorization server does not know the client any more. The next flow registers another.
  refused_at    timestamptz,
  created_at    timestamptz NOT NULL DEFAULT now(),
  UNIQUE (issuer, mcp_server_id, redirect_uri, generation)
);

CREATE INDEX mcp_client_registration_by_kid ON mcp_client_registration (client_kid, id);
CREATE INDEX mcp_client_registration_by_server ON mcp_client_registration (mcp_server_id);

-- One user's way to a connection: made by the host for a link, or by the user on the page.
CREATE TABLE mcp_connect_session (
  id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  -- SHA-256 of the link's token; null: the user was signed in.
  link_hash        text UNIQUE,
  user_id          text NOT NULL,
  mcp_server_id    text NOT NULL,
  account          text NOT NULL DEFAULT 'default',
  return_to        text,
  login_hint       text,
  confirm          text CHECK (confirm IN ('host')),
  status           text NOT NULL DEFAULT 'open'
                   CHECK (status IN ('open', 'awaiting-confirmation', 'connected', 'denied', 'failed')),
  -- Why the last attempt did not connect.
  code             text,
  -- The same for the operator, in a sentence.
  detail           text,
  -- The name of the user's account at the provider.
  label            text,
  -- SHA-256 of the cookie of a browser: the one that left for the authorization server last, and after an answer the one
  -- that brought it. Only it sees the outcome. With `confirm`, the first one that leaves is the only one.
  browser_hash     text,
  -- SHA-256 of the `state` of the answer that came last, so that reloading the callback leads to the outcome.
  ended_state_hash text,
  -- JWE: a consent that waits for the host's confirmation, or for its user to choose the account.
  pending_jwe      text,
  pending_kid      text GENERATED ALWAYS AS (jwe_kid(pending_jwe)) STORED,
  -- The steps that this consent resumes: how many, and the ids of the first ones.
  resumed_count    integer NOT NULL DEFAULT 0,
  resumed_step_ids text[] NOT NULL DEFAULT '{}',
  -- False: the authorization server issued no refresh token.
  is_renewable     boolean NOT NULL DEFAULT true,
  -- Without a refresh token: when the access token expires, if that is known.
  works_until      timestamptz,
  -- The link's.
  expires_at       timestamptz NOT NULL,
  -- An authorization under way, or a pending consent, may be finished until then.
  active_until     timestamptz,
  created_at       timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX mcp_connect_session_by_user ON mcp_connect_session (user_id);
CREATE INDEX mcp_connect_session_by_age ON mcp_connect_session (expires_at);
CREATE INDEX mcp_connect_session_by_ended_state ON mcp_connect_session (ended_state_hash)
  WHERE ended_state_hash IS NOT NULL;
CREATE INDEX mcp_connect_session_by_pending_kid ON mcp_connect_session (pending_kid, id)
  WHERE pending_kid IS NOT NULL;

-- Authorization requests that a browser was sent away with.
CREATE TABLE mcp_authorization (
  -- SHA-256 of `state`.
  state_hash         text PRIMARY KEY,
  connect_session_id uuid NOT NULL REFERENCES mcp_connect_session ON DELETE CASCADE,
  user_id            text NOT NULL,
  mcp_server_id      text NOT NULL,
  browser_hash       text NOT NULL,
  -- JWE: code verifier, issuer, redirect URI, resource, scope, nonce and client.
  request_jwe        text NOT NULL,
  request_kid        text GENERATED ALWAYS AS (jwe_kid(request_jwe)) STORED,
  expires_at         timestamptz NOT NULL,
  created_at         timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX mcp_authorization_by_session ON mcp_authorization (connect_session_id);
CREATE INDEX mcp_authorization_by_user ON mcp_authorization (user_id);
CREATE INDEX mcp_authorization_by_age ON mcp_authorization (expires_at);
CREATE INDEX mcp_authorization_by_kid ON mcp_authorization (request_kid, state_hash);

-- Down Migration

DROP TABLE mcp_authorization;
DROP TABLE mcp_connect_session;
DROP TABLE mcp_client_registration;
