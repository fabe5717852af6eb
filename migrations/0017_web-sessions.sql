-- Up Migration

-- Browsers that are signed in to the web page. The id is in the browser's cookie; only its SHA-256 is stored: a
-- leaked database contains no usable session id.
CREATE TABLE mcp_web_session (
  id_hash      bytea PRIMARY KEY,
  user_id      text NOT NULL,
  is_admin     boolean NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX mcp_web_session_by_user ON mcp_web_session (user_id);
CREATE INDEX mcp_web_session_by_use ON mcp_web_session (last_used_at);
CREATE INDEX mcp_web_session_by_age ON mcp_web_session (created_at);

-- Links that sign a user in, once. The row is deleted by the use.
CREATE TABLE mcp_sign_in_link (
  token_hash bytea PRIMARY KEY,
  user_id    text NOT NULL,
  -- Where the browser goes then: an address that was checked when the link was made. Null: the list of connections.
  return_to  text,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX mcp_sign_in_link_by_user ON mcp_sign_in_link (user_id);
CREATE INDEX mcp_sign_in_link_by_age ON mcp_sign_in_link (created_at);

-- Browsers that are at the OpenID provider. The row is deleted when they come back.
CREATE TABLE mcp_oidc_sign_in (
  -- SHA-256 of the request's state, in base64url.
  state_hash   text PRIMARY KEY,
  -- SHA-256 of the browser's cookie, in base64url: another browser can't finish the sign-in.
  browser_hash text NOT NULL,
  -- JWE of the nonce, the PKCE verifier and the path to return to.
  sign_in_jwe  text NOT NULL,
  sign_in_kid  text GENERATED ALWAYS AS (jwe_kid(sign_in_jwe)) STORED,
  created_at   timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX mcp_oidc_sign_in_by_age ON mcp_oidc_sign_in (created_at);
CREATE INDEX mcp_oidc_sign_in_by_kid ON mcp_oidc_sign_in (sign_in_kid, state_hash);

-- Down Migration

DROP TABLE mcp_oidc_sign_in;
DROP TABLE mcp_sign_in_link;
DROP TABLE mcp_web_session;
