import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readAccess } from '../../../src/credentials/access.ts';
import {
  disconnectCredential,
  findPendingRevocation,
} from '../../../src/credentials/retirement/disconnect-credential.ts';
import { readResult } from '../../../src/results/result-store.ts';
import { openServerSecrets } from '../../../src/servers/server-secrets.ts';
import type { RingKey } from '../../../src/vault/key-ring.ts';
import type { RotationOptions } from '../../../src/vault/rotation/rotate-keys.ts';
import { SEALED_VALUES } from '../../../src/vault/rotation/sealed-values.ts';
import { type CredentialFixture, createCredentialFixture } from '../../credentials/credential-fixture.ts';
import { patchRow, readTokens } from '../../credentials/credential-row.ts';
import { type Keys, keepResult, keysOf, newKey, rotate, totals } from './two-keys.ts';

let fixture: CredentialFixture;
let old: Keys;
let young: RingKey;
let both: Keys;
let youngAlone: Keys;

beforeAll(async () => {
  fixture = await createCredentialFixture();
});

afterAll(() => fixture.stop());

beforeEach(async () => {
  await fixture.pool.query(
    'TRUNCATE mcp_credential, mcp_server, mcp_stored_result, mcp_fingerprint_key, mcp_connection_event',
  );
  old = { keyRing: fixture.keyRing, vault: fixture.vault };
  young = newKey('k2');
  both = keysOf(young, ...fixture.keys);
  youngAlone = keysOf(young);
});

/** Reads all rows without the ciphertexts, their key ids and the fingerprint keys. */
async function allButSecrets(): Promise<unknown[]> {
  const tables = ['mcp_credential', 'mcp_server', 'mcp_stored_result', 'mcp_connection_event'];
  const sealed = SEALED_VALUES.flatMap(({ column, kidColumn }) => [column, kidColumn]);
  const contents = tables.map(async (table) => {
    const { rows } = await fixture.pool.query(
      `SELECT to_jsonb(t) - $1::text[] AS row FROM ${table} t ORDER BY 1`,
      [sealed],
    );
    return rows;
  });
  return Promise.all(contents);
}

test('every column that holds a JWE is known to the rotation', async () => {
  const { rows } = await fixture.pool.query<{ name: string }>(
    `SELECT table_name || '.' || column_name AS name FROM information_schema.columns
      WHERE column_name LIKE '%jwe' AND table_schema = 'public'`,
  );
  const known = SEALED_VALUES.map(({ table, column }) => `${table}.${column}`);
  expect(rows.map(({ name }) => name).sort()).toEqual(known.sort());
});

describe('a rotation', () => {
  test('leaves nothing that needs the old key, and all values open with the new one alone', async () => {
    const server = await fixture.register({
      auth: { type: 'oauth2', clientId: 'operator', clientSecret: 'shh' },
      headers: { 'X-Api-Key': 'header' },
    });
    const users = Array.from({ length: 4 }, () => fixture.newKey(server));
    const keys = users.flatMap((key) => [key, { ...key, account: 'work' }]);
    for (const key of keys)
      await fixture.deposit(key, { accessToken: `access-of-${key.userId}`, expiresIn: 3600 });
    const [gone, ...others] = keys;
    if (gone === undefined) throw new Error('there are eight');
    await disconnectCredential(fixture.pool, gone);
    const results = await Promise.all(
      others.map((key) => keepResult(fixture, old, key, `result of ${key.userId}`)),
    );

    const outcome = await rotate(fixture, both);

    expect(outcome).toMatchObject({ kind: 'done', undecryptable: [] });
    expect(totals(outcome)).toEqual({ k2: 8 + 7 + 1 + 7 + 2, k1: 0 });
    const { pool } = fixture;
    for (const [n, key] of others.entries()) {
      expect(await readAccess({ db: pool, ...youngAlone }, key)).toMatchObject({
        kind: 'ready',
        bearerToken: `access-of-${key.userId}`,
        headers: { 'X-Api-Key': 'header' },
      });
      expect((await readTokens({ pool, ...youngAlone }, key)).grant).toMatchObject({ refreshToken: 'r1' });
      expect(await readResult({ db: pool, ...youngAlone }, key.userId, results[n]?.id ?? '')).toMatchObject({
        kind: 'found',
        result: { content: [{ text: `result of ${key.userId}` }] },
      });
    }
    const revocation = await findPendingRevocation(pool, gone);
    expect(await youngAlone.vault.open('grant', gone, revocation ?? '')).toMatchObject({ kind: 'opened' });
    const secret = await pool.query('SELECT secret_jwe FROM mcp_server');
    expect(await openServerSecrets(youngAlone.vault, server.id, secret.rows[0].secret_jwe)).toEqual({
      kind: 'opened',
      secrets: { clientSecret: 'shh', headers: { 'X-Api-Key': 'header' } },
    });
  });

  test('changes nothing but the ciphertexts', async () => {
    const server = await fixture.register({ auth: { type: 'oauth2', clientId: 'o', clientSecret: 'shh' } });
    const key = fixture.newKey(server);
    await fixture.deposit(key, { accessToken: 'a1' });
    await keepResult(fixture, old, key, 'result');
    const before = await allButSecrets();

    expect(totals(await rotate(fixture, both))).toMatchObject({ k1: 0 });

    expect(await allButSecrets()).toEqual(before);
  });

  test('takes large values one by one', async () => {
    const key = fixture.newKey(await fixture.register());
    const large = 'x'.repeat(40_000);
    const kept = await Promise.all([1, 2, 3].map((n) => keepResult(fixture, old, key, `${n}${large}`)));
    const batches: number[] = [];

    await rotate(fixture, both, {
      onProgress: ({ kind, resealed }) => kind === 'storedResults' && batches.push(resealed),
    });

    expect(batches).toEqual([1, 2, 3, 3]);
    for (const { id } of kept) {
      expect(await readResult({ db: fixture.pool, ...youngAlone }, key.userId, id)).toMatchObject({
        kind: 'found',
      });
    }
  });

  test('that is stopped ends after its batch, and the next one does the rest', async () => {
    const server = await fixture.register();
    for (let n = 0; n < 8; n++) await fixture.deposit(fixture.newKey(server), {});
    const ending = new AbortController();

    const ended = await rotate(fixture, both, { signal: ending.signal, onProgress: () => ending.abort() });

    expect(ended.kind).toBe('interrupted');
    expect(totals(ended)).toMatchObject({ k1: 8 - 3 });
    expect(totals(await rotate(fixture, both))).toMatchObject({ k1: 0 });
  });

  test('passes over what does not open, says where it is, and ends', async () => {
    const server = await fixture.register();
    const keys = Array.from({ length: 7 }, () => fixture.newKey(server));
    for (const key of keys) await fixture.deposit(key, {});
    const [tampered, swapped, ...others] = keys;
    if (tampered === undefined || swapped === undefined) throw new Error('there are seven');
    await patchRow(fixture.pool, tampered, "grant_jwe = grant_jwe || 'x'");
    const foreign = await old.vault.seal('grant', tampered, {});
    await patchRow(fixture.pool, swapped, `grant_jwe = '${foreign}'`);

    const outcome = await rotate(fixture, both);

    expect(outcome.undecryptable).toMatchObject([{ kind: 'grants', kid: 'k1', undecryptable: 2 }]);
    expect(totals(outcome)).toEqual({ k2: others.length + 2, k1: 2 });
  });

  test('without a key that is in use counts what is under it and touches none of it', async () => {
    await fixture.deposit(fixture.newKey(await fixture.register()), { accessToken: 'a1' });

    const outcome = await rotate(fixture, youngAlone);

    expect(outcome.status.keys).toMatchObject([
      { kid: 'k2', configured: true, first: true },
      { kid: 'k1', configured: false, first: false, total: 2, values: { grants: 1, accessTokens: 1 } },
    ]);
  });

  test('gives up what needs a lost key when told so: its users are asked, and its server must be registered again', async () => {
    const server = await fixture.register({ auth: { type: 'oauth2', clientId: 'o', clientSecret: 'shh' } });
    const key = fixture.newKey(server);
    await fixture.deposit(key, { accessToken: 'a1' });

    const outcome = await rotate(fixture, youngAlone, { giveUp: new Set(['k1']) });

    expect(totals(outcome)).toEqual({ k2: 1 });
    expect(outcome.status.unreadable).toMatchObject({
      total: 4,
      values: { grants: 1, accessTokens: 1, serverSecrets: 1, fingerprintKeys: 1 },
    });
    expect(await readAccess({ db: fixture.pool, ...youngAlone }, key)).toMatchObject({
      kind: 'misconfigured',
      message: expect.stringContaining('register it again'),
    });
    await patchRow(fixture.pool, key, "reason = 'undecryptable', status = 'reauth-required'");
    expect(await fixture.deposit(key, { refreshToken: 'r2' }, youngAlone.keyRing)).toMatchObject({
      kind: 'stored',
    });
  });

  test('gives up nothing that opens', async () => {
    await fixture.deposit(fixture.newKey(await fixture.register()), { accessToken: 'a1' });

    const outcome = await rotate(fixture, both, { giveUp: new Set(['k1']) });

    expect(totals(outcome)).toEqual({ k2: 4, k1: 0 });
    expect(outcome.status.unreadable.total).toBe(0);
  });
});

describe('two rotations at once', () => {
  test('neither wait for each other nor undo each other', async () => {
    const server = await fixture.register();
    for (let n = 0; n < 30; n++) await fixture.deposit(fixture.newKey(server), { accessToken: 'a1' });
    const options: Partial<RotationOptions> = { limits: { rows: 10, bytes: 100_000 } };

    await Promise.all([rotate(fixture, both, options), rotate(fixture, both, options)]);

    expect(totals(await rotate(fixture, both))).toEqual({ k2: 62, k1: 0 });
  });

  test('a row that another transaction has locked is skipped', async () => {
    const key = fixture.newKey(await fixture.register());
    await fixture.deposit(key, {});
    const writer = await fixture.pool.connect();
    await writer.query('BEGIN');
    await writer.query('UPDATE mcp_credential SET updated_at = now()');

    const outcome = await rotate(fixture, both);
    await writer.query('ROLLBACK');
    writer.release();

    expect(totals(outcome)).toMatchObject({ k1: 1 });
    expect(totals(await rotate(fixture, both))).toMatchObject({ k1: 0 });
  });
});
