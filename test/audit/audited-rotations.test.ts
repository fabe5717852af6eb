import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { encryptionKeys, latchkey } from '../commands/latchkey.ts';
import { type CredentialFixture, createCredentialFixture } from '../credentials/credential-fixture.ts';
import { keysOf, newKey, rotate } from '../vault/rotation/two-keys.ts';
import { auditRows } from './audit-rows.ts';

const young = newKey('k2');

let fixture: CredentialFixture;

beforeAll(async () => {
  fixture = await createCredentialFixture();
  await fixture.deposit(fixture.newKey(await fixture.register()), { accessToken: 'a1' });
});

afterAll(() => fixture.stop());

let earlier = 0;

beforeEach(async () => {
  earlier = (await rotations()).length;
});

const rotations = () => auditRows(fixture.pool, { action: 'keys-rotated' });
const newRotations = async () => (await rotations()).slice(earlier);
const both = () => keysOf(young, ...fixture.keys);

/** By the operator, who has no user id. */
const rotation = (details: object) => ({
  action: 'keys-rotated',
  details: { outcome: 'done', firstKey: 'k2', givenUp: '', ...details },
});

test('a rotation that is told to stop is recorded as interrupted, and the next one as done', async () => {
  await rotate(fixture, both(), { signal: AbortSignal.abort() });
  await rotate(fixture, both());

  expect(await newRotations()).toEqual([rotation({ outcome: 'interrupted' }), rotation({})]);
});

test('a rotation that finds nothing to do is recorded too', async () => {
  await rotate(fixture, both());

  expect(await newRotations()).toEqual([rotation({})]);
});

test('the audit log names the keys that were given up', async () => {
  await rotate(fixture, both(), { giveUp: new Set(['lost', 'forgotten']) });

  expect(await newRotations()).toEqual([rotation({ givenUp: 'lost,forgotten' })]);
});

test('the command records the rotation without any key', { timeout: 60_000 }, async () => {
  const keys = encryptionKeys([young, ...fixture.keys]);
  const environment = { DATABASE_URL: fixture.database.url, ENCRYPTION_KEYS: keys };

  const { code } = await latchkey(environment, 'keys', 'rotate').ended;

  expect(code).toBe(0);
  expect(await newRotations()).toEqual([rotation({})]);
  const { rows } = await fixture.pool.query('SELECT a::text AS row FROM mcp_audit_event a');
  const written = JSON.stringify(rows);
  for (const { bytes } of [young, ...fixture.keys]) {
    expect(written).not.toContain(Buffer.from(bytes).toString('base64').slice(0, 12));
  }
});
