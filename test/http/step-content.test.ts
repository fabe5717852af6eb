import { describe, expect } from 'vitest';
import { createBrowserClient } from './browser-client.ts';
import { createNotesFixture, httpTestWith } from './fixtures.ts';
import { PUBLIC_URL } from './http-fixture.ts';

const SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';
const HTML = '<!doctype html><script>alert(1)</script>';
const base64 = (text: string) => Buffer.from(text).toString('base64');
const SANDBOX = "sandbox; default-src 'none'; frame-ancestors 'none'";

const test = httpTestWith(createNotesFixture).extend(
  'serve',
  ({ fixture }) =>
    async (...content: unknown[]) => {
      const stepId = `s-${fixture.steps.started.length}`;
      const payload = { mcpServerId: 'notes', tool: 't', stepId };
      await fixture.ask({ method: 'POST', url: '/steps', payload });
      fixture.steps.change('alice', stepId, { status: 'success', result: { content } });
      const browser = createBrowserClient(fixture.app, PUBLIC_URL);
      const session = await fixture.deps.web.sessions.begin({ userId: 'alice', isAdmin: false });
      browser.cookies.set('__Host-latchkey-session', session);
      return (index: number | string = 0) => browser.open(`/step/${stepId}/content/${index}`);
    },
);

describe('a part of a result', () => {
  test.for([
    ['image/png', 'image/png', 'png'],
    ['IMAGE/JPG', 'image/jpeg', 'jpg'],
    ['image/gif; charset=utf-7', 'image/gif', 'gif'],
    ['image/webp', 'image/webp', 'webp'],
    ['image/avif', 'image/avif', 'avif'],
    ['audio/mp3', 'audio/mpeg', 'mp3'],
    ['audio/ogg; codecs=opus', 'audio/ogg', 'ogg'],
    ['image/png;text/html', 'image/png', 'png'],
  ] as const)('is shown with a type of ours: %s', async ([mimeType, type, extension], { serve }) => {
    const kind = type.startsWith('image') ? 'image' : 'audio';
    const open = await serve({ type: kind, data: base64(HTML), mimeType });
    const answer = await open();
    expect(answer.statusCode).toBe(200);
    expect(answer.headers).toMatchObject({
      'content-type': type,
      'x-content-type-options': 'nosniff',
      'content-security-policy': SANDBOX,
      'cache-control': 'private, max-age=600, immutable',
      vary: 'cookie',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(answer.headers['content-disposition']).toMatch(
      new RegExp(`^inline; filename="step-[\\w-]+\\.${extension}"$`),
    );
    expect(answer.body).toBe(HTML);
  });

  test('is not kept by the browser before the step has ended', async ({ serve, fixture }) => {
    const open = await serve({ type: 'image', data: base64(HTML), mimeType: 'image/png' });
    const { stepId = '' } = fixture.steps.started.at(-1) ?? {};
    fixture.steps.change('alice', stepId, { status: 'running' });
    expect((await open()).headers['cache-control']).toBe('no-store');
  });

  test.for([
    'image/svg+xml',
    'text/html',
    'application/xhtml+xml',
    'text/javascript',
    'text/css',
    'image/svg+xml;image/png',
    'image/png\r\nset-cookie: a=b',
    'image/png,text/html',
    '',
    7,
    null,
  ])('that could hold a script is a download: %j', async (mimeType, { serve }) => {
    const open = await serve(
      { type: 'image', data: base64(SVG), mimeType },
      { type: 'resource', resource: { uri: 'x"\r\n.html', blob: base64(HTML), mimeType } },
    );
    for (const index of [0, 1]) {
      const answer = await open(index);
      expect(answer.statusCode).toBe(200);
      expect(answer.headers).toMatchObject({
        'content-type': 'application/octet-stream',
        'x-content-type-options': 'nosniff',
        'content-security-policy': SANDBOX,
      });
      expect(answer.headers['content-disposition']).toMatch(/^attachment; filename="step-[\w-]+\.bin"$/);
      expect(answer.headers['set-cookie']).toBeUndefined();
    }
  });

  test('that is a text is a download of plain text', async ({ serve }) => {
    const open = await serve(
      { type: 'text', text: `${HTML} é🙂` },
      { type: 'resource', resource: { uri: 'x', mimeType: 'text/html', text: HTML } },
    );
    for (const index of [0, 1]) {
      const answer = await open(index);
      expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
      expect(answer.headers['content-disposition']).toMatch(/^attachment;/);
      expect(answer.headers['content-security-policy']).toBe(SANDBOX);
    }
    expect((await open(0)).body).toBe(`${HTML} é🙂`);
  });

  test.for(['<svg>', 'AAAA!', 'A', '====', '', '../../etc/passwd', 'AAA=A'])(
    'with wrong base64 is not there: %j',
    async (data, { serve }) => {
      const open = await serve({ type: 'image', data, mimeType: 'image/png' });
      expect((await open()).statusCode).toBe(404);
    },
  );

  test('may have its base64 in lines', async ({ serve }) => {
    const open = await serve({ type: 'image', data: 'iVBO\r\nRw0K\n', mimeType: 'image/png' });
    expect((await open()).rawPayload).toEqual(Buffer.from('iVBORw0K', 'base64'));
  });

  test.for([1, 999_999, '-1', '0x0', '__proto__', 'length', '1e3'])(
    'is found by its number only: %s',
    async (index, { serve }) => {
      const open = await serve({ type: 'text', text: 'x' });
      expect([400, 404]).toContain((await open(index)).statusCode);
    },
  );

  test('that is a link or of no known type has no bytes', async ({ serve }) => {
    const open = await serve({ type: 'resource_link', uri: 'https://x.example' }, { type: 'y' }, null, 'z');
    for (const index of [0, 1, 2, 3]) expect((await open(index)).statusCode).toBe(404);
  });
});
