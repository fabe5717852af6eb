import { randomBytes } from 'node:crypto';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPayloadCipher } from '../../src/payloads/payload-cipher.ts';
import { createKeyRing } from '../../src/vault/key-ring.ts';
import { createHttpFixture, type HttpFixture } from './http-fixture.ts';

const UI = 'https://temporal.example';
const SECRET = 'pay ACME 42';
const keys = ['new', 'old', 'gone'].map((id) => ({ id, bytes: Uint8Array.from(randomBytes(32)) }));
const [NEW, OLD, GONE] = keys.map((key) => createPayloadCipher(createKeyRing([key])));
const URLS = ['/codec/decode', '/codec/encode'];

let fixture: HttpFixture;
let off: HttpFixture;

beforeAll(async () => {
  const payloadCipher = createPayloadCipher(createKeyRing(keys.slice(0, 2)));
  fixture = await createHttpFixture({ deps: { payloadCipher }, http: { codecOrigins: [UI] } });
  off = await createHttpFixture();
});
afterAll(() => Promise.all([fixture.close(), off.close()]));

describe('POST /codec/decode', () => {
  test('decrypts what any key of the ring has encrypted, in the order of the request', async () => {
    const payloads = [
      json(await NEW?.seal(clear('first'))),
      json(await OLD?.seal(clear({ second: SECRET }))),
    ];

    const answer = await post('/codec/decode', { payloads });

    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({ payloads: [json(clear('first')), json(clear({ second: SECRET }))] });
  });

  test('hands back as it is what it can’t decrypt, beside what it can', async () => {
    const sealed = json(await NEW?.seal(clear(SECRET)));
    const odd = [
      json(clear('in clear')),
      json(await GONE?.seal(clear('under a removed key'))),
      { ...sealed, data: Buffer.from('tampered with').toString('base64') },
      { metadata: { encoding: base64('made/up') }, data: '', laterField: [1] },
      {},
    ];

    const answer = await post('/codec/decode', { payloads: [...odd, sealed] });

    expect(answer.json()).toEqual({ payloads: [...odd, json(clear(SECRET))] });
  });

  test('takes a payload as large as Temporal’s largest', async () => {
    const large = 'x'.repeat(1024 * 1024);
    const payloads = [json(await NEW?.seal(clear(large))), json(await NEW?.seal(clear(large)))];

    const answer = await post('/codec/decode', { payloads });

    expect(answer.json().payloads).toEqual([json(clear(large)), json(clear(large))]);
    expect((await post('/codec/decode', { payloads: Array(4).fill(payloads).flat() })).statusCode).toBe(413);
  });

  test.each([
    ['no body', undefined],
    ['a list', []],
    ['an unknown field', { payloads: [], keys: [] }],
    ['data that is no base64', { payloads: [{ data: '%' }] }],
    ['metadata that is no base64', { payloads: [{ metadata: { encoding: 'json/plain' } }] }],
  ])('answers 400 to %s', async (_, body) => {
    expect((await post('/codec/decode', body)).statusCode).toBe(400);
  });
});

describe('POST /codec/encode', () => {
  test('encrypts under the first key what decode then decrypts', async () => {
    const payloads = [json(clear(SECRET)), { metadata: { encoding: base64('binary/null') } }];

    const encoded = (await post('/codec/encode', { payloads })).json();

    expect(encoded.payloads).toHaveLength(2);
    for (const { metadata } of encoded.payloads) {
      expect(metadata).toEqual({ encoding: base64('binary/encrypted'), 'encryption-key-id': base64('new') });
    }
    const decoded = (await post('/codec/decode', encoded)).json();
    expect(decoded).toEqual({ payloads: [payloads[0], { ...payloads[1], data: '' }] });
  });

  test('refuses a payload with a part that it would not encrypt', async () => {
    const payloads = [{ ...json(clear(SECRET)), laterField: 'x' }];

    expect((await post('/codec/encode', { payloads })).statusCode).toBe(400);
  });
});

describe.each(URLS)('%s', (url) => {
  test('takes a body without payloads for an empty list, as proto3’s JSON writes it', async () => {
    const answer = await post(url, {});

    expect([answer.statusCode, answer.json()]).toEqual([200, { payloads: [] }]);
  });

  test('is for admins alone', async () => {
    const request = { method: 'POST', url, payload: { payloads: [] } } as const;

    expect((await fixture.ask({ ...request, user: null })).statusCode).toBe(401);
    const refused = await fixture.ask(request);
    expect(refused.statusCode).toBe(403);
    expect(refused.json().code).toBe('forbidden');
    expect((await fixture.askAsAdmin(request)).statusCode).toBe(200);
  });

  test('is a 404 of its own where payloads are not encrypted, and says so to admins alone', async () => {
    const request = { method: 'POST', url, payload: { payloads: [] } } as const;

    const answer = await off.askAsAdmin(request);

    expect([answer.statusCode, answer.json().code]).toEqual([404, 'payload-encryption-off']);
    expect((await off.ask(request)).statusCode).toBe(403);
  });

  test('answers a preflight of Temporal’s UI without a token', async () => {
    const answer = await preflight(url, UI);

    expect(answer.statusCode).toBe(204);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': UI,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'POST',
      vary: 'origin',
    });
    const allowed = String(answer.headers['access-control-allow-headers']).split(', ');
    expect(allowed).toEqual(expect.arrayContaining(['authorization', 'content-type', 'x-namespace']));
  });

  test('lets that UI read answers and refusals', async () => {
    const headers = { origin: UI, 'x-namespace': 'default' };
    const request = { method: 'POST', url, headers, payload: { payloads: [] } } as const;

    for (const answer of [await fixture.askAsAdmin(request), await fixture.ask({ ...request, user: null })]) {
      expect(answer.headers['access-control-allow-origin']).toBe(UI);
    }
  });

  test.each(['https://temporal.example.evil', 'http://temporal.example', 'null', '*'])(
    'tells pages of %s nothing',
    async (origin) => {
      const headers = { origin };
      const asked = await fixture.askAsAdmin({ method: 'POST', url, headers, payload: { payloads: [] } });
      for (const answer of [await preflight(url, origin), asked]) {
        expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
        expect(answer.headers).not.toHaveProperty('access-control-allow-credentials');
      }
    },
  );

  test('has no CORS where no origin is named', async () => {
    const answer = await off.app.inject({ method: 'OPTIONS', url, headers: { origin: UI } });

    expect(answer.statusCode).toBe(405);
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
  });
});

test('no other route has CORS', async () => {
  const headers = { origin: UI };

  const answer = await fixture.ask({ url: '/steps', headers });

  expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
  expect((await preflight('/steps', UI)).statusCode).toBe(405);
});

test('logs who has read how many payloads, and nothing of them', async () => {
  const sealed = json(await NEW?.seal(clear(SECRET)));

  await post('/codec/decode', { payloads: [sealed, json(clear('in clear'))] });

  const lines = fixture.logged().trim().split('\n');
  const used = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'the codec was used');
  expect(used.at(-1)).toMatchObject({ userId: 'root', route: '/codec/decode', payloads: 2, opened: 1 });
  expect(fixture.logged()).not.toContain(SECRET);
  expect(fixture.logged()).not.toContain(sealed.data);
});

function post(url: string, payload: object | undefined) {
  return fixture.askAsAdmin({ method: 'POST', url, ...(payload && { payload }) });
}

async function preflight(url: string, origin: string) {
  const headers = {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type,x-namespace',
  };
  return fixture.app.inject({ method: 'OPTIONS', url, headers });
}

function clear(value: unknown): Payload {
  return defaultPayloadConverter.toPayload(value);
}

function json({ metadata, data }: Payload = {}) {
  const encoded = Object.entries(metadata ?? {}).map(([name, value]) => [name, base64(value)]);
  return { metadata: Object.fromEntries(encoded), data: base64(data ?? '') };
}

function base64(value: string | Uint8Array): string {
  return Buffer.from(value).toString('base64');
}
