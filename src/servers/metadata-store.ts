import type { Db } from '../db/pool.ts';
import type { MetadataStore } from '../oauth/metadata-cache.ts';

/** The metadata of authorization servers that one process has found, for all processes. The times are the database's. */
export function createMetadataStore(db: Db): MetadataStore {
  return {
    async find(id) {
      const { rows } = await db.query<{ content: unknown; expires_in_ms: number }>(
        `SELECT content, (extract(epoch FROM expires_at - now()) * 1000)::float8 AS expires_in_ms
         FROM mcp_authorization_server_metadata WHERE id = $1 AND expires_at > now()`,
        [id],
      );
      const row = rows[0];
      return row && { content: row.content, expiresInMs: row.expires_in_ms };
    },
    async put(id, content, ttlMs) {
      await db.query(
        `INSERT INTO mcp_authorization_server_metadata (id, content, expires_at)
         VALUES ($1, $2, now() + make_interval(secs => $3::float8 / 1000))
         ON CONFLICT (id) DO UPDATE SET content = excluded.content, expires_at = excluded.expires_at`,
        [id, JSON.stringify(content), ttlMs],
      );
      await deleteExpiredMetadata(db);
    },
  };
}

/** Rows of one deletion. A look-up adds two rows at most, so this keeps up with them. */
const BATCH = 10;

// Here and not on a schedule: the table grows by look-ups alone. Rows that another process is deleting are skipped.
async function deleteExpiredMetadata(db: Db): Promise<void> {
  await db.query(
    `DELETE FROM mcp_authorization_server_metadata WHERE id IN (
       SELECT id FROM mcp_authorization_server_metadata WHERE expires_at <= now()
       ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)`,
    [BATCH],
  );
}
