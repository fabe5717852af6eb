import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createKeyRing, fingerprintUnder, kidOfFingerprint, type RingKey } from '../../src/vault/key-ring.ts';
import { createVault } from '../../src/vault/vault.ts';

const ALICE = { userId: 'alice', mcpServerId: 'notes' };

const key = (id: string): RingKey => ({ id, bytes: randomBytes(32) });
const vaultOf = (...keys: RingKey[]) => createVault(createKeyRing(keys));

describe('a key ring', () => {
  test('refuses to be empty, to have one id twice and to hold a key that is not 32 bytes long', () => {
    expect(() => createKeyRing([])).toThrow(RangeError);
    expect(() => createKeyRing([key('a'), key('a')])).toThrow(RangeError);
    expect(() => createKeyRing([{ id: 'a', bytes: randomBytes(31) }])).toThrow(RangeError);
  });

  test('shows no key material when printed', () => {
    const secret = key('k1');
    const ring = createKeyRing([secret]);
    const printed = `${JSON.stringify(ring)}${JSON.stringify(createVault(ring))}`;
    expect(printed).toContain('k1');
    expect(printed).not.toContain(Buffer.from(secret.bytes).toString('base64').slice(0, 8));
    expect(Object.values(ring).some((value) => ArrayBuffer.isView(value))).toBe(false);
  });

  test('is not changed by overwriting the bytes it was made of', async () => {
    const secret = key('k1');
    const copy = { id: 'k1', bytes: Uint8Array.from(secret.bytes) };
    const vault = vaultOf(secret);
    secret.bytes.fill(0);
    expect(await vaultOf(copy).open('grant', ALICE, await vault.seal('grant', ALICE, 'x'))).toMatchObject({
      kind: 'opened',
    });
  });

  test('has a wrapping key for each of its keys, from which no key can be read', () => {
    const ring = createKeyRing([key('k1')]);
    const members = Object.values(ring.wrappingKey('k1') ?? {});
    expect(members.map((member) => typeof member)).toEqual(['function', 'function']);
    expect(ring.wrappingKey('k2')).toBeUndefined();
  });
});

describe('fingerprints', () => {
  const [old, young] = [key('2025'), key('2026')];

  test('recognise the same value of the same user and server, in every process with the key', () => {
    const one = createKeyRing([old]).fingerprint('refresh-1', ALICE);
    expect(createKeyRing([old]).fingerprint('refresh-1', ALICE)).toBe(one);
    expect(one).toMatch(/^2025\.[A-Za-z0-9_-]{43}$/);
  });

  test.each([
    ['value', 'refresh-2', ALICE],
    ['user', 'refresh-1', { userId: 'bob', mcpServerId: 'notes' }],
    ['server', 'refresh-1', { userId: 'alice', mcpServerId: 'mail' }],
    ['user where there is none', 'refresh-1', { mcpServerId: 'notes' }],
  ])('differ with another %s', (_what, value, binding) => {
    const ring = createKeyRing([old]);
    expect(ring.fingerprint(value, binding)).not.toBe(ring.fingerprint('refresh-1', ALICE));
  });

  test('differ when characters move between user, server and value', () => {
    const ring = createKeyRing([old]);
    const together = [
      ring.fingerprint('c', { userId: 'a', mcpServerId: 'b' }),
      ring.fingerprint('c', { userId: 'ab', mcpServerId: '' }),
      ring.fingerprint('bc', { userId: 'a', mcpServerId: '' }),
      ring.fingerprint('c', { userId: '', mcpServerId: 'ab' }),
    ];
    expect(new Set(together).size).toBe(together.length);
  });

  test('recognise a value fingerprinted under an older key', () => {
    const stored = createKeyRing([old]).fingerprint('refresh-1', ALICE);
    const ring = createKeyRing([young, old]);
    const all = ring.fingerprintKeys.map((one) => fingerprintUnder(one, 'refresh-1', ALICE));
    expect(all).toEqual([ring.fingerprint('refresh-1', ALICE), stored]);
  });

  test('name their key, whatever its id looks like', () => {
    const dotted = createKeyRing([key('a.b-2026.01')]);
    expect(kidOfFingerprint(dotted.fingerprint('refresh-1', ALICE))).toBe('a.b-2026.01');
  });

  test('are made by a key of their own, which is not the one that encrypts', () => {
    const ring = createKeyRing([old]);
    expect(ring.fingerprintKeys.map(({ kid }) => kid)).toEqual([old.id]);
    expect(ring.fingerprintKeys[0]?.bytes).not.toEqual(old.bytes);
  });

  test('depend on the key, so that a dump of the database is no oracle', () => {
    const [one, other] = [createKeyRing([key('k')]), createKeyRing([key('k')])];
    expect(one.fingerprint('refresh-1', ALICE)).not.toBe(other.fingerprint('refresh-1', ALICE));
  });
});
