import { expect, test, vi } from 'vitest';
import { openBrowser } from '../../src/commands/open-browser.ts';

const LINK = 'http://127.0.0.1:3000/connect/ledger?link=a-secret';

test('the browser gets an address that leads to the link, and not the link itself', async () => {
  const opened: string[] = [];
  await openBrowser(LINK, async (url) => void opened.push(url));
  const [url = ''] = opened;
  expect(url).not.toContain('secret');
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[A-Za-z0-9_-]{22}$/);

  expect((await fetch(new URL('/', url))).status).toBe(404);
  expect((await fetch(url, { method: 'HEAD' })).status).toBe(404);
  const answer = await fetch(url, { redirect: 'manual' });
  expect([answer.status, answer.headers.get('location')]).toEqual([303, LINK]);

  await vi.waitFor(() => expect(fetch(url, { redirect: 'manual' })).rejects.toThrow(), { timeout: 20_000 });
});
