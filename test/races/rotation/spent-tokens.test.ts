import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import type { Grant } from '../../../src/credentials/credential.ts';
import { createRenewal } from '../../../src/credentials/refresh/renewal.ts';
import type { RingKey } from '../../../src/vault/key-ring.ts';
import { patchRow, readTokens } from '../../credentials/credential-row.ts';
import { createOidcFixture, type OidcFixture } from '../../credentials/oidc-fixture.ts';
import { type Keys, keysOf, newKey, rotate, totals } from '../../vault/rotation/two-keys.ts';

let fixture: OidcFixture;
let key: CredentialKey;
let spent: string;
let current: string;
let fields: Partial<Grant>;
let young: RingKey;
let withoutOld: Keys;

beforeAll(async () => {
  fixture = await createOidcFixture();
});

afterAll(() => fixture.stop());

/** A user whose first refresh token a renewal has spent, all of it under the old key. */
beforeEach(async () => {
  await fixture.pool.query('TRUNCATE mcp_credential, mcp_fingerprint_key');
  key = await fixture.connect();
  spent = await refreshToken(fixture);
  await fixture.renew(key);
  const { grant } = await readTokens(fixture, key);
  const { refreshToken: renewed = '', ...deposited } = grant ?? {};
  current = renewed;
  fields = deposited;
  young = newKey('k2');
  withoutOld = keysOf(young);
});

async function refreshToken({ vault }: Pick<Keys, 'vault'>): Promise<string> {
  const { grant } = await readTokens({ pool: fixture.pool, vault }, key);
  return grant?.refreshToken ?? '';
}

const deposit = (token: string, { keyRing }: Keys) =>
  fixture.deposit(
    key,
    {
      ...fields,
      refreshToken: token,
    },
    keyRing,
  );

/** Rotated with both, and then the old key is taken out. */
async function removeOldKey(): Promise<void> {
  const outcome = await rotate(fixture, keysOf(young, ...fixture.keys));
  expect(totals(outcome)).toMatchObject({ k1: 0 });
}

describe('after a rotation and the end of the old key', () => {
  beforeEach(removeOldKey);

  test('a spent refresh token is still known, and the grant lives', async () => {
    expect(await deposit(spent, withoutOld)).toEqual({
      kind: 'stored',
      changed: false,
      version: 1,
      resuming: 0,
    });

    expect(await refreshToken(withoutOld)).toBe(current);
    expect(await survives()).toBe(true);
  });

  test('a deposit of the current refresh token changes nothing', async () => {
    expect(await deposit(current, withoutOld)).toEqual({
      kind: 'stored',
      changed: false,
      version: 1,
      resuming: 0,
    });
  });

  test('a new refresh token is deposited', async () => {
    expect(await deposit('another', withoutOld)).toEqual({
      kind: 'stored',
      changed: true,
      version: 2,
      resuming: 0,
    });
  });

  test('a spent refresh token is known after the next rotation too', async () => {
    const third = newKey('k3');
    await rotate(fixture, keysOf(third, young));

    expect(await deposit(spent, keysOf(third))).toMatchObject({ changed: false, version: 1 });
  });
});

test('a spent token counts as new without its fingerprint, and the grant is lost (negative control)', async () => {
  await removeOldKey();
  await patchRow(fixture.pool, key, "spent_fingerprints = '{}'");

  expect(await deposit(spent, withoutOld)).toMatchObject({ version: 2 });

  expect(await survives()).toBe(false);
});

test('a deposit is refused while the fingerprint key is neither configured nor kept', async () => {
  expect(await deposit(spent, withoutOld)).toEqual({ kind: 'key-missing', kid: 'k1' });
  expect(await deposit('another', withoutOld)).toEqual({ kind: 'key-missing', kid: 'k1' });

  expect(await refreshToken(fixture)).toBe(current);
});

test('a deposit is stored once the missing key is given up', async () => {
  await rotate(fixture, withoutOld, { giveUp: new Set(['k1']) });

  expect(await deposit('another', withoutOld)).toMatchObject({ kind: 'stored', version: 2 });
});

/** Whether the stored grant can be renewed and gives a good token, without the old key. */
async function survives(): Promise<boolean> {
  const outcome = await fixture.renew(key, createRenewal({ ...fixture.dependencies, ...withoutOld }));
  return outcome.kind === 'renewed' && fixture.isAlive(key, withoutOld.vault);
}
