-- Up Migration

-- The id of the key that a JWE was sealed under: what follows {"alg":"A256KW","enc":"A256GCM","kid":" in its
-- protected header, which always begins so (RFC 7516 §3.1: base64url of the header's JSON, up to the first dot).
-- '?', which no key's id can be, for a text that is none of ours. Fails for no text: a write must not depend on it.
-- Not STRICT, or it would be called instead of inlined, at many times the cost.
CREATE FUNCTION jwe_kid(jwe text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN jwe IS NULL THEN NULL
    WHEN left(jwe, 140) !~ '^eyJhbGciOiJBMjU2S1ciLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoi[A-Za-z0-9_-]{4}' THEN '?'
    -- Groups of four of what an id of 64 and the quote behind it can take; the last group may be cut off.
    ELSE coalesce(
      substring(
        encode(decode(
          translate(substring(substr(jwe, 53, 88) FROM '^(?:[A-Za-z0-9_-]{4})+'), '-_', '+/'), 'base64'), 'escape')
        FROM '^([A-Za-z0-9._-]{1,64})"'),
      '?')
  END
$$;

-- Keyed hashes outlive the tokens that they are of, so they can't be made anew under another key. What makes them
-- is kept instead: for each key that ever was in the ring, the HMAC key that was derived from it, sealed.
CREATE TABLE mcp_fingerprint_key (
  kid     text PRIMARY KEY,
  -- JWE of 32 bytes in base64url. They do not reveal the key that they were derived from (HKDF).
  key_jwe text NOT NULL,
  key_kid text GENERATED ALWAYS AS (jwe_kid(key_jwe)) STORED,
  kept_at timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE mcp_credential
  ADD COLUMN grant_kid text GENERATED ALWAYS AS (jwe_kid(grant_jwe)) STORED,
  ADD COLUMN access_token_kid text GENERATED ALWAYS AS (jwe_kid(access_token_jwe)) STORED,
  ADD COLUMN revocation_kid text GENERATED ALWAYS AS (jwe_kid(revocation_jwe)) STORED;
ALTER TABLE mcp_server
  ADD COLUMN secret_kid text GENERATED ALWAYS AS (jwe_kid(secret_jwe)) STORED;
ALTER TABLE mcp_stored_result
  ADD COLUMN result_kid text GENERATED ALWAYS AS (jwe_kid(result_jwe)) STORED;

-- Which keys are in use, how often, and the rows of one key a page at a time: each is read off its index alone.
CREATE INDEX mcp_credential_by_grant_kid ON mcp_credential (grant_kid, user_id, mcp_server_id)
  WHERE grant_kid IS NOT NULL;
CREATE INDEX mcp_credential_by_access_token_kid ON mcp_credential (access_token_kid, user_id, mcp_server_id)
  WHERE access_token_kid IS NOT NULL;
CREATE INDEX mcp_credential_by_revocation_kid ON mcp_credential (revocation_kid, user_id, mcp_server_id)
  WHERE revocation_kid IS NOT NULL;
CREATE INDEX mcp_server_by_secret_kid ON mcp_server (secret_kid, id) WHERE secret_kid IS NOT NULL;
CREATE INDEX mcp_stored_result_by_kid ON mcp_stored_result (result_kid, id);

-- Down Migration

DROP INDEX mcp_stored_result_by_kid;
DROP INDEX mcp_server_by_secret_kid;
DROP INDEX mcp_credential_by_revocation_kid;
DROP INDEX mcp_credential_by_access_token_kid;
DROP INDEX mcp_credential_by_grant_kid;
ALTER TABLE mcp_stored_result DROP COLUMN result_kid;
ALTER TABLE mcp_server DROP COLUMN secret_kid;
ALTER TABLE mcp_credential DROP COLUMN revocation_kid, DROP COLUMN access_token_kid, DROP COLUMN grant_kid;
DROP TABLE mcp_fingerprint_key;
DROP FUNCTION jwe_kid(text);
