import { randomBytes, randomUUID } from 'node:crypto';
import { CompactEncrypt, compactDecrypt } from 'jose';
import { describe, expect, test } from 'vitest';
import { finish } from '../../src/async/finish.ts';
import { createTurns } from '../../src/turns/turns.ts';
import { createKeyRing, type RingKey } from '../../src/vault/key-ring.ts';
import { createVault, kidOf, type Vault } from '../../src/vault/vault.ts';
import { leastDelay, longestDelay } from '../support/longest-delay.ts';

const ALICE = { userId: 'alice', mcpServerId: 'notes' };
const UNDECRYPTABLE = { kind: 'undecryptable' };

const key = (id: string): RingKey => ({ id, bytes: randomBytes(32) });
const vaultOf = (...keys: RingKey[]) => createVault(createKeyRing(keys));

describe('sealing', () => {
  test.each(['a token', '', '\ufeffßüñ 🔑', 'x'.repeat(3_000_000)])(
    'gives back exactly the text that was sealed (%#)',
    async (plaintext) => {
      const vault = vaultOf(key('k1'));
      const jwe = await vault.seal('result', ALICE, plaintext);
      expect(await vault.open('result', ALICE, jwe)).toEqual({ kind: 'opened', plaintext });
    },
  );

  test('seals an object as its JSON', async () => {
    const vault = vaultOf(key('k1'));
    const jwe = await vault.seal('grant', ALICE, {
      refreshToken: 'r',
      tokenEndpoint: 'https://as.example/token',
    });
    expect(await vault.open('grant', ALICE, jwe)).toEqual({
      kind: 'opened',
      plaintext: '{"refreshToken":"r","tokenEndpoint":"https://as.example/token"}',
    });
  });

  test('makes a compact JWE whose header pins the algorithms and names key, purpose, user and server', async () => {
    const jwe = await vaultOf(key('k1')).seal('grant', ALICE, 'secret');
    expect(jwe.split('.')).toHaveLength(5);
    expect(headerOf(jwe)).toEqual({
      alg: 'A256KW',
      enc: 'A256GCM',
      kid: 'k1',
      lk: { purpose: 'grant', userId: 'alice', mcpServerId: 'notes' },
    });
  });

  test('makes what another library of JWE opens', async () => {
    const shared = key('k1');
    const jwe = await vaultOf(shared).seal('grant', ALICE, 'secret');
    const { plaintext } = await compactDecrypt(jwe, shared.bytes);
    expect(Buffer.from(plaintext).toString()).toBe('secret');
  });

  test('makes another ciphertext of the same text each time', async () => {
    const vault = vaultOf(key('k1'));
    expect(await vault.seal('grant', ALICE, 'secret')).not.toBe(await vault.seal('grant', ALICE, 'secret'));
  });
});

describe('sealing in steps', () => {
  const sealed = async (vault: Vault, text: string) =>
    finish(await vault.sealInPieces('result', ALICE, Buffer.from(text)));
  const opened = async (vault: Vault, jwe: string, binding = ALICE) =>
    finish(await vault.openInPieces('result', binding, jwe));

  test.each(['a result', '', '\ufeffßüñ 🔑', '🔑'.repeat(500_000)])(
    'is compatible with sealing at once, in both directions (%#)',
    async (plaintext) => {
      const vault = vaultOf(key('k1'));
      const jwes = [await sealed(vault, plaintext), await vault.seal('result', ALICE, plaintext)];
      const [own, others] = jwes.map(headerOf);
      expect(own).toEqual(others);
      for (const jwe of jwes) {
        expect(await vault.open('result', ALICE, jwe)).toEqual({ kind: 'opened', plaintext });
        expect(await opened(vault, jwe)).toEqual({ kind: 'opened', plaintext });
      }
    },
  );

  test('makes another ciphertext of the same text each time', async () => {
    const vault = vaultOf(key('k1'));
    expect(await sealed(vault, 'a result')).not.toBe(await sealed(vault, 'a result'));
  });

  test('opens for no other user and with no other key', async () => {
    const [one, other] = [key('k1'), key('k2')];
    const jwe = await sealed(vaultOf(one), 'a result');
    expect(await opened(vaultOf(one), jwe, { ...ALICE, userId: 'bob' })).toEqual(UNDECRYPTABLE);
    expect(await opened(vaultOf({ ...other, id: 'k1' }), jwe)).toEqual(UNDECRYPTABLE);
    expect(await opened(vaultOf(other), jwe)).toEqual({ kind: 'key-missing', kid: 'k1' });
    expect(await opened(vaultOf(other, one), jwe)).toEqual({ kind: 'opened', plaintext: 'a result' });
  });

  test('opens nothing that was changed, in any part and any piece', async () => {
    const vault = vaultOf(key('k1'));
    const jwe = await sealed(vault, 'x'.repeat(1_000_000));
    const parts = jwe.split('.');
    for (const [index, part] of parts.entries()) {
      for (const at of [0, Math.floor(part.length / 2), part.length - 2]) {
        const replaced = part[at] === 'A' ? 'B' : 'A';
        const changed = parts.with(index, part.slice(0, at) + replaced + part.slice(at + 1));
        expect(await opened(vault, changed.join('.'))).toEqual(UNDECRYPTABLE);
      }
      for (const other of ['', part.slice(0, -4), `${part}AAAA`, `${part} `, `${part}=`, part.slice(4)]) {
        expect(await opened(vault, parts.with(index, other).join('.'))).toEqual(UNDECRYPTABLE);
      }
    }
    for (const odd of ['', '.', '....', `${jwe}.`, parts.slice(0, 4).join('.')]) {
      expect(await opened(vault, odd)).toEqual(UNDECRYPTABLE);
    }
  });

  test('holds the event loop up less than sealing and opening in one go', async () => {
    const vault = vaultOf(key('k1'));
    const text = randomBytes(6_000_000).toString('base64');
    let jwe = '';
    const sealAtOnce = async () => {
      jwe = await vault.seal('result', ALICE, text);
    };
    const sealInTurns = async () => {
      jwe = await turns.take(await vault.sealInPieces('result', ALICE, content));
    };
    const turns = createTurns();
    const content = Buffer.from(text);
    const atOnce = await longestDelay(sealAtOnce);
    const openedAtOnce = await longestDelay(() => vault.open('result', ALICE, jwe));
    const own = await leastDelay(sealInTurns, { below: atOnce / 3 });
    const ownOpened = await leastDelay(
      async () => turns.take(await vault.openInPieces('result', ALICE, jwe)),
      {
        below: openedAtOnce / 3,
      },
    );
    expect(own).toBeLessThan(atOnce / 3);
    expect(ownOpened).toBeLessThan(openedAtOnce / 3);
  });
});

describe('a ciphertext that was moved', () => {
  test.each([
    ["another user's row", 'grant', { userId: 'bob', mcpServerId: 'notes' }],
    ["another server's row", 'grant', { userId: 'alice', mcpServerId: 'mail' }],
    ["the server's own secrets", 'grant', { mcpServerId: 'notes' }],
    ['another purpose', 'access-token', ALICE],
    ['user and server the other way round', 'grant', { userId: 'notes', mcpServerId: 'alice' }],
  ] as const)('does not open as %s', async (_where, purpose, binding) => {
    const vault = vaultOf(key('k1'));
    const jwe = await vault.seal('grant', ALICE, 'secret');
    expect(await vault.open(purpose, binding, jwe)).toEqual(UNDECRYPTABLE);
    expect(await vault.open('grant', ALICE, jwe)).toMatchObject({ kind: 'opened' });
  });

  test("does not open a server's secret for a user whose id is empty", async () => {
    const vault = vaultOf(key('k1'));
    const jwe = await vault.seal('server-secret', { mcpServerId: 'notes' }, 'secret');
    expect(await vault.open('server-secret', { userId: '', mcpServerId: 'notes' }, jwe)).toEqual(
      UNDECRYPTABLE,
    );
  });

  test('tells apart ids that look alike only to a lossy encoding', async () => {
    const vault = vaultOf(key('k1'));
    const jwe = await vault.seal('grant', { userId: '\ud800', mcpServerId: 'notes' }, 'secret');
    expect(await vault.open('grant', { userId: '\ud801', mcpServerId: 'notes' }, jwe)).toEqual(UNDECRYPTABLE);
    expect(await vault.open('grant', { userId: '\ud800', mcpServerId: 'notes' }, jwe)).toMatchObject({
      kind: 'opened',
    });
  });

  test('does not open when its header is rewritten for the row that it was moved to', async () => {
    const vault = vaultOf(key('k1'));
    const bob = { userId: 'bob', mcpServerId: 'notes' };
    const moved = withHeader(await vault.seal('grant', ALICE, 'secret'), (header) => ({
      ...header,
      lk: { purpose: 'grant', ...bob },
    }));
    expect(await vault.open('grant', bob, moved)).toEqual(UNDECRYPTABLE);
  });
});

describe('a ciphertext that was tampered with', () => {
  test.each([0, 1, 2, 3, 4])('does not open with a changed byte in part %i', async (part) => {
    const vault = vaultOf(key('k1'));
    const jwe = await vault.seal('grant', ALICE, 'a secret of some length');
    const parts = jwe.split('.');
    const bytes = Buffer.from(parts[part] ?? '', 'base64url');
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(bytes.readUInt8(at) ^ 1, at);
      const outcome = await vault.open(
        'grant',
        ALICE,
        parts.with(part, changed.toString('base64url')).join('.'),
      );
      // A changed kid names a key that the ring lacks.
      expect(['undecryptable', 'key-missing']).toContain(outcome.kind);
      if (part > 0) expect(outcome).toEqual(UNDECRYPTABLE);
    }
  });

  test.each([0, 1, 2, 3, 4])(
    'does not open with part %i empty, cut short, too long or no base64url',
    async (part) => {
      const vault = vaultOf(key('k1'));
      const parts = (await vault.seal('grant', ALICE, 'a secret of some length')).split('.');
      const whole = parts[part] ?? '';
      const tooLong = [`${whole}A`, `${whole}AAAA`];
      for (const bad of ['', whole.slice(0, 4), whole.slice(0, -4), ...tooLong, `${whole}*`, 'ü']) {
        expect(await vault.open('grant', ALICE, parts.with(part, bad).join('.'))).toEqual(UNDECRYPTABLE);
      }
    },
  );

  test('does not open with a character more, which stands for no byte', async () => {
    const vault = vaultOf(key('k1'));
    // 24 bytes: their 32 characters are groups of four.
    const jwe = await vault.seal('grant', ALICE, 'x'.repeat(24));
    const [header, wrapped, iv, ciphertext, tag] = jwe.split('.');
    const longer = [header, wrapped, iv, `${ciphertext}A`, tag].join('.');
    expect(ciphertext).toHaveLength(32);
    expect(await vault.open('grant', ALICE, longer)).toEqual(UNDECRYPTABLE);
  });

  test('a text that was cut short names no key', async () => {
    const jwe = await vaultOf(key('k1')).seal('grant', ALICE, 'secret');
    const short = jwe.split('.').slice(0, 4).join('.');
    expect(kidOf(short)).toBeUndefined();
    expect(await vaultOf(key('k2')).open('grant', ALICE, short)).toEqual(UNDECRYPTABLE);
  });

  // If a short Buffer is sent to another thread, all of the memory that it shares with others is sent.
  test('neither sealing nor opening leaves the secret in the memory that short Buffers share', async () => {
    const vault = vaultOf(key('k1'));
    const secret = randomUUID();
    const isShared = () => Buffer.from(Buffer.from('any').buffer).includes(secret);
    await vault.open('grant', ALICE, await vault.seal('grant', ALICE, secret));
    expect(isShared()).toBe(false);
    // The negative control.
    Buffer.from(secret);
    expect(isShared()).toBe(true);
  });

  test.each([
    '',
    '.',
    '....',
    'garbage',
    'a.b.c.d.e',
    'bnVsbA.b.c.d.e',
    'e30.b.c.d.e',
    'eyJraWQiOjF9.b.c.d.e',
    'eyJraWQiOiJrMSJ9....',
    '\u0000',
  ])('does not open when it is not a JWE of ours (%j)', async (garbage) => {
    expect(await vaultOf(key('k1')).open('grant', ALICE, garbage)).toEqual(UNDECRYPTABLE);
    expect(kidOf(garbage)).toBe(garbage.startsWith('eyJraWQiOiJrMSJ9') ? 'k1' : undefined);
  });
});

describe('a ciphertext under algorithms that are not ours', () => {
  const lk = { purpose: 'grant', ...ALICE };
  const shared = key('k1');

  test.each([
    ['content encryption without key wrapping', { alg: 'dir', enc: 'A256GCM' }],
    ['another key wrapping', { alg: 'A256GCMKW', enc: 'A256GCM' }],
    ['another content encryption', { alg: 'A256KW', enc: 'A128GCM' }],
    ['a compressed plaintext', { alg: 'A256KW', enc: 'A256GCM', zip: 'DEF' as const }],
    ['one header more than ours', { alg: 'A256KW', enc: 'A256GCM', cty: 'JWT' }],
  ])('is refused although the key fits: %s', async (_what, algorithms) => {
    const jwe = await new CompactEncrypt(Buffer.from('secret'))
      .setProtectedHeader({ ...algorithms, kid: 'k1', lk })
      .encrypt(shared.bytes);
    expect(await vaultOf(shared).open('grant', ALICE, jwe)).toEqual(UNDECRYPTABLE);
  });

  test('is opened when its header is exactly ours', async () => {
    const jwe = await new CompactEncrypt(Buffer.from('secret'))
      .setProtectedHeader({ alg: 'A256KW', enc: 'A256GCM', kid: 'k1', lk })
      .encrypt(shared.bytes);
    expect(await vaultOf(shared).open('grant', ALICE, jwe)).toEqual({ kind: 'opened', plaintext: 'secret' });
  });

  test('is refused before any of the work that a password-based header asks for', async () => {
    const vault = vaultOf(shared);
    const jwe = withHeader(await vault.seal('grant', ALICE, 'secret'), (header) => ({
      ...header,
      alg: 'PBES2-HS512+A256KW',
      p2c: 2_000_000_000,
      p2s: 'AAAAAAAAAAAAAAAA',
    }));
    // Two thousand million rounds of PBKDF2 would take most of an hour, and the test would time out.
    expect(await vault.open('grant', ALICE, jwe)).toEqual(UNDECRYPTABLE);
  });
});

describe('key rotation', () => {
  const [old, young] = [key('2025'), key('2026')];

  test('opens what an older key sealed and seals under the first', async () => {
    const sealedBefore = await vaultOf(old).seal('grant', ALICE, 'before');
    const vault = vaultOf(young, old);
    expect(await vault.open('grant', ALICE, sealedBefore)).toEqual({ kind: 'opened', plaintext: 'before' });
    expect(kidOf(await vault.seal('grant', ALICE, 'after'))).toBe('2026');
  });

  test('lets processes that have the new key second open what those that promoted it seal', async () => {
    const sealed = await vaultOf(young, old).seal('grant', ALICE, 'after');
    expect(await vaultOf(old, young).open('grant', ALICE, sealed)).toMatchObject({ kind: 'opened' });
  });

  test('reports a missing key by its id, not as undecryptable', async () => {
    const sealed = await vaultOf(old).seal('grant', ALICE, 'before');
    expect(await vaultOf(young).open('grant', ALICE, sealed)).toEqual({ kind: 'key-missing', kid: '2025' });
  });

  test('reports undecryptable when a key of that id has other bytes', async () => {
    const sealed = await vaultOf(old).seal('grant', ALICE, 'before');
    expect(await vaultOf(key('2025')).open('grant', ALICE, sealed)).toEqual(UNDECRYPTABLE);
  });

  test('does not take a kid that no ring could have for a missing key', async () => {
    const jwe = withHeader(await vaultOf(old).seal('grant', ALICE, 'x'), (header) => ({
      ...header,
      kid: 'a\nb',
    }));
    expect(await vaultOf(young).open('grant', ALICE, jwe)).toEqual(UNDECRYPTABLE);
  });
});

function headerOf(jwe: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(jwe.split('.')[0] ?? '', 'base64url').toString());
}

function withHeader(
  jwe: string,
  change: (header: Record<string, unknown>) => Record<string, unknown>,
): string {
  const header = Buffer.from(JSON.stringify(change(headerOf(jwe)))).toString('base64url');
  return jwe.split('.').with(0, header).join('.');
}
