import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect } from 'vitest';
import { SCRIPT, scriptPath } from '../../src/web/script.ts';
import { STYLESHEET, stylesheetPath } from '../../src/web/stylesheet.ts';
import { httpTest } from './fixtures.ts';
import { PUBLIC_HOST } from './http-fixture.ts';

const test = httpTest.extend(
  'get',
  ({ fixture }) =>
    (url: string, acceptEncoding?: string) =>
      fixture.app.inject({
        url,
        headers: {
          host: PUBLIC_HOST,
          ...(acceptEncoding !== undefined && { 'accept-encoding': acceptEncoding }),
        },
      }),
);

const DECODERS = { br: brotliDecompressSync, gzip: gunzipSync, none: (bytes: Buffer) => bytes };

describe('what pages load', () => {
  test.for([
    [scriptPath(), SCRIPT, 'text/javascript'],
    [stylesheetPath(), STYLESHEET, 'text/css'],
  ] as const)('is kept by browsers: %s', async ([path, text, type], { get }) => {
    const answer = await get(path);
    expect(answer.body).toBe(text);
    expect(answer.headers).toMatchObject({
      'content-type': `${type}; charset=utf-8`,
      'cache-control': 'public, max-age=31536000, immutable',
      vary: 'accept-encoding',
    });
  });

  test.for([
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip;q=1.0, br;q=0.5', 'br'],
    ['br;q=0, gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['deflate', 'none'],
    ['br;q=0.0, gzip;q=0', 'none'],
    ['', 'none'],
    [undefined, 'none'],
  ] as const)('is sent for %j in the encoding %s', async ([accepted, encoding], { get }) => {
    const answer = await get(scriptPath(), accepted);
    expect(answer.headers['content-encoding']).toBe(encoding === 'none' ? undefined : encoding);
    expect(DECODERS[encoding](answer.rawPayload).toString()).toBe(SCRIPT);
    if (encoding !== 'none') expect(answer.rawPayload.length).toBeLessThan(12 * 1024);
  });

  test('is the present one for a page of another version, which is not kept', async ({ get }) => {
    const answer = await get('/assets/latchkey-0123456789abcdef.js');
    expect(answer.body).toBe(SCRIPT);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect((await get('/assets/other.js')).statusCode).toBe(404);
  });
});
