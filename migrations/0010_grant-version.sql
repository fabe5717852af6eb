-- Up Migration

-- The credential version with which the stored refresh token's line began: a deposit of another token begins one,
-- a renewal and a deposit that changes other fields of the same grant go on with it. A refresh under way belongs to
-- the line it was begun in, so what it brings outlives a change of the other fields. 0: begun before this column.
ALTER TABLE mcp_credential ADD COLUMN grant_version bigint NOT NULL DEFAULT 0;

-- What the latest deposit with an access token said of it: a keyed hash, and seconds. They tell a deposit that is
-- repeated, after its access token was renewed, from one with another access token.
ALTER TABLE mcp_credential
  ADD COLUMN deposited_access_fingerprint text,
  ADD COLUMN deposited_expires_in double precision;

-- Down Migration

ALTER TABLE mcp_credential
  DROP COLUMN deposited_expires_in, DROP COLUMN deposited_access_fingerprint, DROP COLUMN grant_version;
