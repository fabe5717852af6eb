import { expect } from 'vitest';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import { type DepositGuard, depositCredential } from '../../../src/credentials/deposit/deposit-credential.ts';
import { TOKEN_ENDPOINT } from '../credential-fixture.ts';
import { readRow } from '../credential-row.ts';
import { credentialTest } from '../fixtures.ts';

const test = credentialTest.extend(
  'store',
  ({ fixture }) =>
    async (key: CredentialKey, changes: Partial<DepositGuard>) => {
      const { pool, vault, keyRing, dependencies } = fixture;
      const { rows } = await pool.query('SELECT revision::int FROM mcp_server WHERE id = $1', [
        key.mcpServerId,
      ]);
      const guard: DepositGuard = {
        serverRevision: rows[0]?.revision,
        lock: async () => true,
        finish: async () => {},
        ...changes,
      };
      const { authorizationServers } = dependencies;
      return depositCredential(
        {
          pool,
          vault,
          keyRing,
          authorizationServers,
          refuseAddress: () => undefined,
          startResumption: async () => {},
        },
        key.userId,
        { mcpServerId: key.mcpServerId, tokenEndpoint: TOKEN_ENDPOINT, accessToken: 'a1' },
        guard,
      );
    },
);

test('a deposit is stored with its guard', async ({ fixture, key, store }) => {
  expect(await store(key, {})).toMatchObject({ kind: 'stored', version: 1 });
  expect(await readRow(fixture.pool, key)).toMatchObject({ status: 'connected' });
});

test('a deposit whose guard does not agree stores nothing', async ({ fixture, key, store }) => {
  expect(await store(key, { lock: async () => false })).toEqual({ kind: 'superseded' });
  await expect(readRow(fixture.pool, key)).rejects.toThrow();
});

test('a grant for another registration of the server is not stored', async ({ fixture, key, store }) => {
  expect(await store(key, { serverRevision: -1 })).toEqual({ kind: 'server-changed' });
  await expect(readRow(fixture.pool, key)).rejects.toThrow();
});

test('a deposit whose guard can’t finish stores nothing', async ({ fixture, key, store }) => {
  const finish = async () => {
    throw new Error('cannot finish');
  };
  await expect(store(key, { finish })).rejects.toThrow('cannot finish');
  await expect(readRow(fixture.pool, key)).rejects.toThrow();
});
