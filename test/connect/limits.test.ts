import { expect } from 'vitest';
import { closedAfter } from '../support/closed-after.ts';
import { createConnectFixture } from './connect-fixture.ts';
import { connectTest } from './fixtures.ts';

const test = connectTest.extend(
  'fixture',
  { scope: 'file' },
  closedAfter(
    () => createConnectFixture({}, { beginsPerMinute: 3 }),
    (fixture) => fixture.close(),
  ),
);

test('one session and one user begin only a few authorizations a minute', async ({
  fixture,
  server,
  mcpServerId,
}) => {
  const browser = fixture.browser();
  const link = await fixture.link(mcpServerId, {}, 'carol');
  for (let begun = 0; begun < 3; begun++) await fixture.press(browser, link.url);
  const requests = server.seen.length;
  for (const { url } of [link, await fixture.link(mcpServerId, {}, 'carol')]) {
    const path = url.slice(new URL(url).origin.length);
    const refused = await browser.fillIn(path, new URL(url).pathname);
    expect([refused.statusCode, Number(refused.headers['retry-after'])]).toEqual([429, expect.any(Number)]);
  }
  expect(server.seen).toHaveLength(requests);
  const other = await fixture.link(mcpServerId, {}, 'dave');
  expect((await fixture.press(fixture.browser(), other.url)).origin).toBe(server.issuer);
});

test('a user has at most 1,000 open connect sessions', async ({ fixture, mcpServerId }) => {
  await fixture.pool.query(
    `INSERT INTO mcp_connect_session (user_id, mcp_server_id, expires_at)
     SELECT 'erin', $1, now() + interval '15 minutes' FROM generate_series(1, 1000)`,
    [mcpServerId],
  );
  const create = (user: string) =>
    fixture.ask({ method: 'POST', url: '/connect-sessions', payload: { mcpServerId }, user });
  const refused = await create('erin');
  expect([refused.statusCode, refused.json().code]).toEqual([429, 'too-many-requests']);
  const browser = await fixture.signedIn('erin');
  const page = await browser.fillIn(`/connect/${mcpServerId}`, `/connect/${mcpServerId}`);
  expect(page.statusCode).toBe(429);
  expect((await create('frida')).statusCode).toBe(201);
  await fixture.pool.query(`UPDATE mcp_connect_session SET expires_at = now() WHERE user_id = 'erin'`);
  expect((await create('erin')).statusCode).toBe(201);
});
