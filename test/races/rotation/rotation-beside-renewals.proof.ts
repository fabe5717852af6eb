import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import { createRenewal, type Renewal } from '../../../src/credentials/refresh/renewal.ts';
import {
  disconnectCredential,
  dropPendingRevocation,
  findPendingRevocation,
} from '../../../src/credentials/retirement/disconnect-credential.ts';
import type { Db, Pool } from '../../../src/db/pool.ts';
import { rotateKeys } from '../../../src/vault/rotation/rotate-keys.ts';
import { readTokens } from '../../credentials/credential-row.ts';
import { createOidcFixture, type OidcFixture } from '../../credentials/oidc-fixture.ts';
import { type Keys, keysOf, newKey, rotate, totals } from '../../vault/rotation/two-keys.ts';

let fixture: OidcFixture;

beforeAll(async () => {
  fixture = await createOidcFixture();
});

afterAll(() => fixture.stop());

/** A new key in front of all; renewals seal under it from then on. */
function promote(): { keys: Keys; alone: Keys; renewal: Renewal } {
  const young = newKey(`k-${crypto.randomUUID()}`);
  const keys = keysOf(young, ...fixture.keys);
  return { keys, alone: keysOf(young), renewal: createRenewal({ ...fixture.dependencies, ...keys }) };
}

/** The database as the rotation sees it, with something that happens right before it writes a grant. */
function interrupted(between: () => Promise<void>, rewrite = (sql: string) => sql): Db {
  const query = async (sql: string, values?: unknown[]) => {
    const writesGrant = sql.includes('UPDATE mcp_credential t SET grant_jwe');
    if (writesGrant) await between();
    return fixture.pool.query(writesGrant ? rewrite(sql) : sql, values);
  };
  // The cast is safe: the code under test calls `query` with a text and values alone.
  return { query } as Db;
}

const once = (work: () => Promise<void>) => {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work();
    return done;
  };
};

test('a renewal between the read and the write of the rotation wins, and the grant stays good', async () => {
  const key = await fixture.connect();
  const { keys, alone, renewal } = promote();
  const renews = once(async () => void (await fixture.renew(key, renewal)));

  const outcome = await rotate({ pool: interrupted(renews) as Pool }, keys);

  expect(outcome.status.keys.find(({ first }) => !first)).toMatchObject({ total: 0 });
  expect(await survives(key, alone)).toBe(true);
});

test('a rotation without the comparison undoes the renewal, and the grant is lost (negative control)', async () => {
  const key = await fixture.connect();
  const { keys, alone, renewal } = promote();
  const renews = once(async () => void (await fixture.renew(key, renewal)));
  const unguarded = (sql: string) =>
    sql.replace('t.grant_jwe = r.before', 'true').replace('t.grant_jwe = free.before', 'true');

  await rotate({ pool: interrupted(renews, unguarded) as Pool }, keys);

  expect(await survives(key, alone)).toBe(false);
});

test('renewals beside a rotation, with and without the new key, lose no grant and leave no value under the old key', {
  timeout: 60_000,
}, async () => {
  const users = await Promise.all(Array.from({ length: 12 }, () => fixture.connect()));
  const { keys, alone, renewal } = promote();
  const renewing = users.map(async (key) => {
    for (let n = 0; n < 4; n++) await fixture.renew(key, n % 2 === 0 ? renewal : fixture.renewal);
  });

  for (let n = 0; n < 4; n++) await rotate(fixture, keys);
  await Promise.all(renewing);
  const outcome = await rotate(fixture, keys);

  expect(totals(outcome)).toMatchObject({ k1: 0 });
  for (const key of users) expect(await survives(key, alone)).toBe(true);
});

test('a disconnect between the read and the write keeps the grant deleted, and the pending revocation is rotated', async () => {
  const key = await fixture.connect();
  const { keys, alone } = promote();
  const disconnects = once(async () => void (await disconnectCredential(fixture.pool, key)));

  await rotateKeys(
    { db: interrupted(disconnects), ...keys },
    {
      limits: { rows: 1, bytes: 1 },
      giveUp: new Set(),
      signal: new AbortController().signal,
      onProgress: () => {},
    },
  );

  expect(await readTokens({ pool: fixture.pool, ...alone }, key)).toEqual({});
  const revocation = await findPendingRevocation(fixture.pool, key);
  expect(await alone.vault.open('grant', key, revocation ?? '')).toMatchObject({ kind: 'opened' });
});

test('a revocation that began before the rotation is deleted when it is repeated', async () => {
  const key = await fixture.connect();
  await disconnectCredential(fixture.pool, key);
  const before = await findPendingRevocation(fixture.pool, key);

  await rotate(fixture, promote().keys);
  await dropPendingRevocation(fixture.pool, key, before ?? '');
  const after = await findPendingRevocation(fixture.pool, key);
  expect(after).not.toBe(before);
  await dropPendingRevocation(fixture.pool, key, after ?? '');

  expect(await findPendingRevocation(fixture.pool, key)).toBeUndefined();
});

/** Whether the stored grant can be renewed and gives a good token, by a process that has only the new key. */
async function survives(key: CredentialKey, alone: Keys): Promise<boolean> {
  const outcome = await fixture.renew(key, createRenewal({ ...fixture.dependencies, ...alone }));
  return outcome.kind === 'renewed' && fixture.isAlive(key, alone.vault);
}
