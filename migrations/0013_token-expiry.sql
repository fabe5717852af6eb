-- Up Migration

-- When the access token expires; `renew_after` is a margin earlier. A token that was just renewed may be due and is
-- still good until then. Null where no lifetime is known, or where the token had none left when it was stored. A
-- worker of an older version writes `renew_after` alone, so a value before that one is of an earlier token.
ALTER TABLE mcp_credential ADD COLUMN expires_at timestamptz;

-- Down Migration

ALTER TABLE mcp_credential DROP COLUMN expires_at;
