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

let fixture: CredentialFixture;
let young: RingKey;
let users: CredentialKey[];

beforeAll(async () => {
  fixture = await createCredentialFixture();
});

afterAll(() => fixture.stop());

beforeEach(async () => {
  await fixture.pool.query('TRUNCATE mcp_credential, mcp_server, mcp_stored_result, mcp_fingerprint_key');
  young = newKey('k2');
  const server = await fixture.register({ auth: { type: 'oauth2', clientId: 'o', clientSecret: 'shh' } });
  users = Array.from({ length: USERS }, () => fixture.newKey(server));
  for (const key of users) {
    await fixture.deposit(key, { accessToken: 'a1' });
    await keepResult(fixture, fixture, key, 'result');
  }
});

const environment = (...keys: RingKey[]) => ({
  DATABASE_URL: fixture.database.url,
  ENCRYPTION_KEYS: encryptionKeys(keys),
});

const both = () => environment(young, ...fixture.keys);

/** What is left under each key, by the database. */
async function left(): Promise<Record<string, number>> {
  const { keys } = await readKeysStatus(fixture.pool, keysOf(young, ...fixture.keys).keyRing);
  return Object.fromEntries(keys.map(({ kid, total }) => [kid, total]));
}

/** Keeps stored results from being written, with the reading of everything as it is. */
async function obstructResults() {
  const client = await fixture.pool.connect();
  await client.query('BEGIN');
  await client.query('LOCK TABLE mcp_stored_result IN SHARE MODE');
  return {
    /** Resolves once somebody waits to write one. */
    reached: () =>
      vi.waitFor(
        async () => {
          const { rowCount } = await fixture.pool.query(
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
  test('says what it does and how much is left under each key, down to none', async () => {
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

  test('prints one object a line with --json', async () => {
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

  test('continues where it was after it was killed', async () => {
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

  test('stops after its batch when it is told to and says so by its exit code', async () => {
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

  test('exits 1 and names the values that cannot be decrypted', async () => {
    const [tampered] = users;
    if (tampered === undefined) throw new Error('there are some');
    await patchRow(fixture.pool, tampered, "grant_jwe = grant_jwe || 'x'");

    const { code, stdout } = await latchkey(both(), 'keys', 'rotate').ended;

    expect(stdout).toContain("k1: 1 left. Can't be decrypted: 1 grants.\n");
    expect(code).toBe(1);
  });

  test('names its options in its help and refuses a batch size of 0', async () => {
    const help = await latchkey({}, 'keys', 'rotate', '--help').ended;
    expect(help.stdout).toMatch(/--json.+--batch.+--give-up/s);
    expect(help.code).toBe(0);

    const refused = await latchkey(both(), 'keys', 'rotate', '--batch', '0').ended;
    expect(refused.stderr).toContain('--batch');
    expect(refused.code).toBe(1);
  });
});

describe('keys status', { timeout: LIMIT_MS }, () => {
  test('shows how much is under each key and which key is missing', async () => {
    const { code, stdout } = await latchkey(environment(young), 'keys', 'status').ended;

    expect(stdout).toMatch(/^k2 +encrypts +0/m);
    expect(stdout).toMatch(/^k1 +MISSING +76/m);
    expect(code).toBe(1);
  });

  test('prints one object with --json', async () => {
    const { code, stdout } = await latchkey(both(), 'keys', 'status', '--json').ended;

    const none = {
      grants: 0,
      accessTokens: 0,
      pendingRevocations: 0,
      serverSecrets: 0,
      storedResults: 0,
      fingerprintKeys: 0,
      clientRegistrations: 0,
      authorizations: 0,
      pendingDeposits: 0,
      oidcSignIns: 0,
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

describe('with other bytes under the id of a recorded key', { timeout: LIMIT_MS }, () => {
  const REFUSED = /ENCRYPTION_KEYS: has other key bytes under the id k1 than the database knows/;

  beforeEach(() => keepFingerprintKeys({ db: fixture.pool, ...keysOf(...fixture.keys) }));

  test.each(['status', 'rotate', 'rotate --give-up k1'])('keys %s refuses', async (command) => {
    const running = latchkey(environment(newKey('k1'), young), 'keys', ...command.split(' '));
    const { code, stdout, stderr } = await running.ended;

    expect(stderr).toMatch(REFUSED);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });

  test('a mistyped key that is recorded before it encrypts is refused', async () => {
    await keepFingerprintKeys({ db: fixture.pool, ...keysOf(...fixture.keys, young) });

    const mistyped = environment(newKey('k2'), ...fixture.keys);
    const { code, stderr } = await latchkey(mistyped, 'keys', 'rotate').ended;

    expect(stderr).toMatch(/other key bytes under the id k2/);
    expect(code).toBe(2);
    expect(await left()).toMatchObject({ k2: 0 });
  });

  test('a key whose bytes are lost can be given up for another key', async () => {
    const ring = environment(young, newKey('k1'));
    const { code, stdout } = await latchkey(ring, 'keys', 'rotate', '--give-up', 'k1').ended;

    expect(stdout).toContain(`k1 grants: 0 re-encrypted, ${USERS} given up`);
    expect(code).toBe(0);
  });
});
