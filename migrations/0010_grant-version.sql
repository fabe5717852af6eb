-- Up Migration

-- The credential version with which the stored refresh token's line began: a deposit of another token begins one,
-- a renewal and a deposit that changes other fields of the same grant go on with it. A refresh under way belongs to
-- the line it was begun in, so what it brings outlives a change of the other fields. 0: begun before this column.
ALTER TABLE mcp_credential ADD COLUMN grant_version bigint NOT NULL DEFAULT 0;

-- Down Migration

ALTER TABLE mcp_credential DROP COLUMN grant_version;
