import { randomBytes } from 'node:crypto';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { CompactEncrypt } from 'jose';
import { describe, expect, test } from 'vitest';
import { payloadConverter as lenient } from '../../src/contracts/lenient-payload-converter.ts';
import { createPayloadCodec } from '../../src/payloads/payload-codec.ts';
import { createKeyRing, type RingKey } from '../../src/vault/key-ring.ts';
import { createVault } from '../../src/vault/vault.ts';

const OLD = keyNamed('2026-01');
const NEW = keyNamed('2026-07');
const SECRET = 'pay ACME 42';

describe('a payload', () => {
  const values: [string, unknown][] = [
    ['an object', { customer: 'ACME', amount: 42, lines: [{ text: 'ä€😀' }] }],
    ['a text', SECRET],
    ['an empty text', ''],
    ['null', null],
    ['nothing', undefined],
    ['bytes', Uint8Array.from([0, 255, 10])],
    ['a megabyte and a half', 'x'.repeat(1.5 * 1024 * 1024)],
  ];

  test.each(values)('of %s comes back as it was', async (_, value) => {
    const codec = createPayloadCodec([OLD]);
    const payload = payloadOf(value);

    const [sealed] = await codec.encode([payload]);
    const [opened] = await codec.decode([sealed ?? {}]);

    expect(opened?.metadata).toEqual(payload.metadata);
    expect(defaultPayloadConverter.fromPayload(opened ?? {})).toEqual(value);
  });

  test('shows the id of its key but neither its content nor its encoding', async () => {
    const sealed = await sealedBy([OLD], SECRET);

    const text = JSON.stringify(sealed, (__, part) =>
      part?.type === 'Buffer' ? Buffer.from(part.data).toString() : part,
    );
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain('json/plain');
    expect(metadataOf(sealed)).toEqual({ encoding: 'binary/encrypted', 'encryption-key-id': OLD.id });
  });

  test('is never encrypted to the same bytes twice', async () => {
    const [first, second] = await createPayloadCodec([OLD]).encode([payloadOf(1), payloadOf(1)]);

    expect(first?.data).not.toEqual(second?.data);
  });

  test('that is encrypted already is not changed, whatever its key', async () => {
    const sealed = await sealedBy([OLD], SECRET);

    expect(await createPayloadCodec([NEW, OLD]).encode([sealed])).toEqual([sealed]);
  });

  test.each([
    ['in clear', payloadOf(SECRET)],
    ["in another's encryption", { metadata: { encoding: bytes('binary/encrypted') }, data: randomBytes(40) }],
    ['without metadata', {}],
  ])('%s is not changed', async (_, payload) => {
    expect(await createPayloadCodec([OLD]).decode([payload])).toEqual([payload]);
    expect(await createPayloadCodec().decode([payload])).toEqual([payload]);
  });

  test('is not encrypted without keys', async () => {
    const payload = payloadOf(SECRET);

    expect(await createPayloadCodec().encode([payload])).toEqual([payload]);
  });
});

describe('a key ring', () => {
  test('encrypts with its first key and decrypts with all keys', async () => {
    const before = await sealedBy([OLD], 'before');
    const after = await sealedBy([NEW, OLD], 'after');

    expect(metadataOf(after)['encryption-key-id']).toBe(NEW.id);
    expect(await openedBy([NEW, OLD], before)).toBe('before');
    expect(await openedBy([OLD, NEW], after)).toBe('after');
  });

  test.each([
    ['lacks the key', [OLD]],
    ['is not there at all', undefined],
  ])('that %s fails the task with a telling failure type', async (_, keys) => {
    const sealed = await sealedBy([NEW], SECRET);

    const error = await createPayloadCodec(keys)
      .decode([sealed])
      .catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({
      name: 'PayloadKeyMissing',
      message: `PAYLOAD_KEYS lacks the key ${NEW.id}`,
    });
  });
});

describe('a payload that no key can ever decrypt does not throw and counts as undecodable', () => {
  const alterations: [string, (jwe: string) => string | Promise<string>][] = [
    ['a changed ciphertext', (jwe) => changed(jwe, 3)],
    ['a changed tag', (jwe) => changed(jwe, 4)],
    ['a changed initialization vector', (jwe) => changed(jwe, 2)],
    ['another wrapped key', (jwe) => changed(jwe, 1)],
    [
      'a changed header',
      (jwe) => jwe.replace(/^[^.]+/, base64url({ alg: 'dir', enc: 'A256GCM', kid: OLD.id })),
    ],
    ['a header that is no JSON', (jwe) => jwe.replace(/^[^.]+/, 'AAAA')],
    ['a part too few', (jwe) => jwe.slice(0, jwe.lastIndexOf('.'))],
    ['nothing', () => ''],
    ["the vault's, under the same key", () => sealedByVault(OLD)],
    ['a compressed one', (jwe) => withHeader(jwe, { zip: 'DEF' })],
    ['one of another algorithm', () => sealedAs({ alg: 'A256GCMKW', enc: 'A256GCM' })],
  ];

  test.each(alterations)('%s', async (_, alter) => {
    const sealed = await sealedBy([OLD], SECRET);
    const altered = { ...sealed, data: bytes(await alter(Buffer.from(sealed.data ?? []).toString())) };
    expect(altered.data).not.toEqual(sealed.data);

    const [decoded] = await createPayloadCodec([OLD]).decode([altered]);

    expect(lenient.fromPayload(decoded ?? {})).toBe('undecodable payload');
    expect(() => defaultPayloadConverter.fromPayload(decoded ?? {})).toThrow('Unknown encoding');
  });

  test('other bytes under the id of a key', async () => {
    const sealed = await sealedBy([{ ...keyNamed('x'), id: OLD.id }], SECRET);

    const [decoded] = await createPayloadCodec([OLD]).decode([sealed]);

    expect(lenient.fromPayload(decoded ?? {})).toBe('undecodable payload');
  });
});

function keyNamed(id: string): RingKey {
  return { id, bytes: Uint8Array.from(randomBytes(32)) };
}

function payloadOf(value: unknown): Payload {
  return defaultPayloadConverter.toPayload(value);
}

async function sealedBy(keys: RingKey[], value: unknown): Promise<Payload> {
  const [sealed] = await createPayloadCodec(keys).encode([payloadOf(value)]);
  return sealed ?? {};
}

async function openedBy(keys: RingKey[], payload: Payload): Promise<unknown> {
  const [opened] = await createPayloadCodec(keys).decode([payload]);
  return defaultPayloadConverter.fromPayload(opened ?? {});
}

function metadataOf({ metadata }: Payload): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString()]),
  );
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text));
}

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** With another first character in one of its parts. */
function changed(jwe: string, part: number): string {
  const parts = jwe.split('.');
  parts[part] = (parts[part] ?? '').replace(/^./, (first) => (first === 'A' ? 'B' : 'A'));
  return parts.join('.');
}

function withHeader(jwe: string, more: object): string {
  return jwe.replace(/^[^.]+/, (header) =>
    base64url({ ...JSON.parse(Buffer.from(header, 'base64url').toString()), ...more }),
  );
}

function sealedByVault(key: RingKey): Promise<string> {
  return createVault(createKeyRing([key])).seal('result', { mcpServerId: 'ledger' }, SECRET);
}

function sealedAs(header: { alg: string; enc: string }): Promise<string> {
  return new CompactEncrypt(bytes(SECRET))
    .setProtectedHeader({ ...header, kid: OLD.id, lk: { purpose: 'payload' } })
    .encrypt(OLD.bytes);
}
