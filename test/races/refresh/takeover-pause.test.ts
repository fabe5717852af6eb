import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Lease, releaseLease, takeLease } from '../../../src/credentials/refresh/lease-store.ts';
import { migrate } from '../../../src/db/migrate.ts';
import { createPool, type Pool } from '../../../src/db/pool.ts';
import { type EmbeddedPostgres, startPostgres } from '../../../src/dev/embedded/postgres.ts';

async function started(dataDir: string): Promise<EmbeddedPostgres> {
  const postgres = await startPostgres({ dataDir });
  onTestFinished(() => postgres.stop());
  return postgres;
}

function connected(url: string): Pool {
  const pool = createPool({ databaseUrl: url, size: 2, onIdleError: () => {} });
  onTestFinished(() => pool.end());
  return pool;
}

const newLease = (): Lease => ({
  key: { userId: 'alice', mcpServerId: 'notes' },
  id: randomUUID(),
  seen: { credentialVersion: 1, tokenVersion: 1 },
});

test('after a restart of Postgres a lease that ran out meanwhile is not taken over at once', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-test-'));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  const before = await started(dataDir);
  await migrate(before.url);
  const pool = connected(before.url);
  await pool.query(
    `INSERT INTO mcp_credential (user_id, mcp_server_id, server_revision, status, credential_version, token_version)
     VALUES ('alice', 'notes', 1, 'connected', 1, 1)`,
  );
  const holder = newLease();
  expect(await takeLease(pool, holder)).toBeDefined();
  await pool.query("UPDATE mcp_credential SET lease_until = clock_timestamp() - interval '1 hour'");
  await before.stop();

  const after = connected((await started(dataDir)).url);

  expect(await takeLease(after, newLease())).toBeUndefined();
  await releaseLease(after, holder);
  expect(await takeLease(after, newLease())).toBeDefined();
});
