import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { CredentialKey } from '../../src/contracts/activities.ts';
import { keepFingerprintKeys } from '../../src/credentials/deposit/fingerprint-key-store.ts';
import type { RingKey } from '../../src/vault/key-ring.ts';
import { readKeysStatus } from '../../src/vault/rotation/key-status.ts';
import { type CredentialFixture, createCredentialFixture } from '../credentials/credential-fixture.ts';
import { patchRow } from '../credentials/credential-row.ts';
import { keepResult, keysOf, newKey } from '../vault/rotation/two-keys.ts';
import { encryptionKeys, jsonLines, latchkey } from './latchkey.ts';

const LIMIT_MS = 60_000;
const USERS = 25;

let stand: CredentialFixture;
let young: RingKey;
let users: CredentialKey[];

beforeAll(async () => {
  stand = await createCredentialFixture();
});

afterAll(() => stand.stop());

beforeEach(async () => {
  await stand.pool.query('TRUNCATE mcp_credential, mcp_server, mcp_stored_result, mcp_fingerprint_key');
  young = newKey('k2');
  const server = await stand.register({ auth: { type: 'oauth2', clientId: 'o', clientSecret: 'shh' } });
  users = Array.from({ length: USERS }, () => stand.newKey(server));
  for (const key of users) {
    await stand.deposit(key, { accessToken: 'a1' });
    await keepResult(stand, stand, key, 'result');
  }
});

const environment = (...keys: RingKey[]) => ({
  DATABASE_URL: stand.database.url,
  ENCRYPTION_KEYS: encryptionKeys(keys),
});

const both = () => environment(young, ...stand.keys);

/** What is left under each key, by the database. */
async function left(): Promise<Record<string, number>> {
  const { keys } = await readKeysStatus(stand.pool, keysOf(young, ...stand.keys).keyRing);
  return Object.fromEntries(keys.map(({ kid, total }) => [kid, total]));
}

/** Keeps stored results from being written, with the reading of everything as it is. */
async function obstructResults() {
  const client = await stand.pool.connect();
  await client.query('BEGIN');
  await client.query('LOCK TABLE mcp_stored_result IN SHARE MODE');
  return {
    /** Resolves once somebody waits to write one. */
    reached: () =>
      vi.waitFor(
        async () => {
          const { rowCount } = await stand.pool.query(
            "SELECT FROM pg_locks WHERE NOT granted AND relation = 'mcp_stored_result'::regclass",
          );
          expect(rowCount).toBe(1);
        },
        { timeout: 30_000, interval: 20 },
      ),
    async end() {
      await client.query('ROLLBACK');
      client.release();
    },
  };
}

describe('keys rotate', { timeout: LIMIT_MS }, () => {
  test('says what it does, what is left under each key, and that nothing is', async () => {
    const { code, stdout, stderr } = await latchkey(both(), 'keys', 'rotate').ended;

    expect(stderr).toBe('');
    expect(stdout).toContain(`k1 grants: ${USERS} re-encrypted\n`);
    expect(stdout).toMatch(
      /^key +in use +grants +access tokens +server secrets +stored results +fingerprint keys$/m,
    );
    expect(stdout).toMatch(new RegExp(`^k2 +encrypts +78 +${USERS} +${USERS} +1 +${USERS} +2$`, 'm'));
    expect(stdout).toMatch(/^k1 +decrypts +0/m);
    expect(stdout).toContain('Nothing is left under any key but the first.\n');
    expect(code).toBe(0);
  });

  test('with --json says it as one object a line', async () => {
    const { code, stdout } = await latchkey(both(), 'keys', 'rotate', '--json', '--batch', '10').ended;

    const lines = jsonLines(stdout);
    expect(lines).toContainEqual({
      event: 'progress',
      kind: 'grants',
      kid: 'k1',
      resealed: USERS,
      givenUp: 0,
      overtaken: 0,
      undecryptable: 0,
    });
    expect(lines.at(-1)).toMatchObject({
      event: 'done',
      complete: true,
      undecryptable: [],
      keys: [
        { kid: 'k2', configured: true, first: true, total: 78 },
        { kid: 'k1', configured: true, first: false, total: 0 },
      ],
      unreadable: { total: 0 },
    });
    expect(code).toBe(0);
  });

  test('killed in the middle, it goes on where it was', async () => {
    const results = await obstructResults();
    const doomed = latchkey(both(), 'keys', 'rotate', '--batch', '10');
    await results.reached();
    doomed.kill('SIGKILL');
    await doomed.ended;
    await results.end();
    expect(await left()).toMatchObject({ k1: expect.toSatisfy((count: number) => count >= USERS - 10) });

    const { code, stdout } = await latchkey(both(), 'keys', 'rotate', '--json').ended;

    expect(await left()).toEqual({ k2: 78, k1: 0 });
    expect(code).toBe(0);
    // What the killed one has done is not done again.
    expect(jsonLines(stdout)).not.toContainEqual(expect.objectContaining({ kind: 'grants' }));
  });

  test('ends after its batch when it is told to, and its exit code says so', async () => {
    const results = await obstructResults();
    const ended = latchkey(both(), 'keys', 'rotate', '--json', '--batch', '10');
    await results.reached();
    ended.kill('SIGTERM');
    await ended.complains();
    await results.end();

    const { code, stdout } = await ended.ended;

    expect(jsonLines(stdout).at(-1)).toMatchObject({ event: 'interrupted', complete: false });
    expect(await left()).toEqual({ k2: 78 - (USERS - 10), k1: USERS - 10 });
    expect(code).toBe(128 + 15);
  });

  test('exits 1 and says which values do not open', async () => {
    const [tampered] = users;
    if (tampered === undefined) throw new Error('there are some');
    await patchRow(stand.pool, tampered, "grant_jwe = grant_jwe || 'x'");

    const { code, stdout } = await latchkey(both(), 'keys', 'rotate').ended;

    expect(stdout).toContain("k1: 1 left. Can't be decrypted: 1 grants.\n");
    expect(code).toBe(1);
  });

  test('has help that names its options, and refuses a batch of none', async () => {
    const help = await latchkey({}, 'keys', 'rotate', '--help').ended;
    expect(help.stdout).toMatch(/--json.+--batch.+--give-up/s);
    expect(help.code).toBe(0);

    const refused = await latchkey(both(), 'keys', 'rotate', '--batch', '0').ended;
    expect(refused.stderr).toContain('--batch');
    expect(refused.code).toBe(1);
  });
});

describe('keys status', { timeout: LIMIT_MS }, () => {
  test('shows what is under each key, and that one is missing', async () => {
    const { code, stdout } = await latchkey(environment(young), 'keys', 'status').ended;

    expect(stdout).toMatch(/^k2 +encrypts +0/m);
    expect(stdout).toMatch(/^k1 +MISSING +76/m);
    expect(code).toBe(1);
  });

  test('with --json is one object', async () => {
    const { code, stdout } = await latchkey(both(), 'keys', 'status', '--json').ended;

    const none = {
      grants: 0,
      accessTokens: 0,
      pendingRevocations: 0,
      serverSecrets: 0,
      storedResults: 0,
      fingerprintKeys: 0,
    };
    expect(JSON.parse(stdout)).toEqual({
      keys: [
        { kid: 'k2', configured: true, first: true, total: 0, values: none },
        {
          kid: 'k1',
          configured: true,
          first: false,
          total: 76,
          values: { ...none, grants: USERS, accessTokens: USERS, serverSecrets: 1, storedResults: USERS },
        },
      ],
      unreadable: { total: 0, values: none },
    });
    expect(code).toBe(0);
  });
});

describe('with other bytes under the id of a key that is kept', { timeout: LIMIT_MS }, () => {
  const REFUSED = /ENCRYPTION_KEYS: has other bytes under the id k1 than this database knows it by/;

  beforeEach(() => keepFingerprintKeys({ db: stand.pool, ...keysOf(...stand.keys) }));

  test.each(['status', 'rotate', 'rotate --give-up k1'])('keys %s refuses', async (command) => {
    const running = latchkey(environment(newKey('k1'), young), 'keys', ...command.split(' '));
    const { code, stdout, stderr } = await running.ended;

    expect(stderr).toMatch(REFUSED);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });

  test('a mistyped key that was known before it encrypts seals nothing', async () => {
    await keepFingerprintKeys({ db: stand.pool, ...keysOf(...stand.keys, young) });

    const mistyped = environment(newKey('k2'), ...stand.keys);
    const { code, stderr } = await latchkey(mistyped, 'keys', 'rotate').ended;

    expect(stderr).toMatch(/other bytes under the id k2/);
    expect(code).toBe(2);
    expect(await left()).toMatchObject({ k2: 0 });
  });

  test('whose bytes are lost for good, it can be given up for another key', async () => {
    const ring = environment(young, newKey('k1'));
    const { code, stdout } = await latchkey(ring, 'keys', 'rotate', '--give-up', 'k1').ended;

    expect(stdout).toContain(`k1 grants: 0 re-encrypted, ${USERS} given up`);
    expect(code).toBe(0);
  });
});
