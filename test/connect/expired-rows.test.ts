import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { deleteRegistrationsOfRemovedServers } from '../../src/connect/clients/registration-store.ts';
import {
  deleteConnectSessionsOf,
  deleteOldAuthorizations,
  deleteOldSessions,
  dropOldPendingDeposits,
} from '../../src/connect/sessions/expired-sessions.ts';
import type { Pool } from '../../src/db/pool.ts';
import { answerTo } from './connect-fixture.ts';
import { connectTest } from './fixtures.ts';
import { tokens } from './scripted-authorization-server.ts';

const test = connectTest
  .extend('browser', ({ fixture }) => fixture.browser())
  .extend('link', ({ fixture, mcpServerId }) => fixture.link(mcpServerId, { confirm: 'host' }))
  /** The link's session, after the user has left, and the pool. */
  .extend('away', ({ fixture, browser, link }) => fixture.press(browser, link.url));

async function rowOf(pool: Pool, id: string) {
  const { rows } = await pool.query(
    `SELECT status, pending_jwe IS NOT NULL AS pending,
            (SELECT count(*)::int FROM mcp_authorization a WHERE a.connect_session_id = s.id) AS authorizations
       FROM mcp_connect_session s WHERE id = $1`,
    [id],
  );
  return rows[0];
}

test('an authorization is deleted when its ten minutes are over, and not before', async ({
  fixture,
  link,
  away,
}) => {
  const { pool } = fixture;
  expect(away.searchParams.get('state')).toBeTruthy();
  await deleteOldAuthorizations(pool);
  expect(await rowOf(pool, link.connectSessionId)).toMatchObject({ authorizations: 1 });
  await pool.query(
    `UPDATE mcp_authorization SET expires_at = expires_at - interval '10 minutes' WHERE connect_session_id = $1`,
    [link.connectSessionId],
  );
  expect(await deleteOldAuthorizations(pool)).toBeGreaterThan(0);
  expect(await rowOf(pool, link.connectSessionId)).toMatchObject({ authorizations: 0, status: 'open' });
});

test('the tokens of an unconfirmed consent are deleted after 15 minutes, and the session after a day', async ({
  fixture,
  server,
  browser,
  link,
  away,
}) => {
  const { pool } = fixture;
  const id = link.connectSessionId;
  const age = (by: string) =>
    pool.query(
      `UPDATE mcp_connect_session SET expires_at = expires_at - $2::interval, active_until = active_until - $2::interval
        WHERE id = $1`,
      [id, by],
    );
  await fixture.comeBack(browser, answerTo(away, server));
  await dropOldPendingDeposits(pool);
  expect(await rowOf(pool, id)).toMatchObject({ status: 'awaiting-confirmation', pending: true });

  await age('15 minutes');
  expect(await dropOldPendingDeposits(pool)).toBeGreaterThan(0);
  await deleteOldSessions(pool);
  expect(await rowOf(pool, id)).toMatchObject({ status: 'awaiting-confirmation', pending: false });
  expect(await fixture.status(link)).toMatchObject({ status: 'expired' });

  await age('1 day');
  expect(await deleteOldSessions(pool)).toBeGreaterThan(0);
  expect(await rowOf(pool, id)).toBeUndefined();
});

test('a forgotten user has no sessions and no authorizations, and a consent under way comes to nothing', async ({
  fixture,
  server,
  mcpServerId,
}) => {
  const user = `user-${randomUUID()}`;
  const link = await fixture.link(mcpServerId, {}, user);
  const browser = fixture.browser();
  const away = await fixture.press(browser, link.url);
  expect(await deleteConnectSessionsOf(fixture.pool, user)).toBe(1);
  const page = await fixture.comeBack(browser, answerTo(away, server));
  expect(page.statusCode).toBe(403);
  expect(await fixture.grant(user, mcpServerId)).toBeUndefined();
  const { rows } = await fixture.pool.query('SELECT 1 FROM mcp_authorization WHERE user_id = $1', [user]);
  expect(rows).toEqual([]);
});

test('a registration is deleted a day after its server is gone, and stays while the server is there', async ({
  fixture,
  server,
  mcpServerId,
  away,
}) => {
  const { pool } = fixture;
  expect(away.searchParams.get('client_id')).toBe('client-1');
  const count = async () =>
    (await pool.query('SELECT 1 FROM mcp_client_registration WHERE issuer = $1', [server.issuer])).rowCount;
  await pool.query(
    `UPDATE mcp_client_registration SET created_at = now() - interval '2 days' WHERE issuer = $1`,
    [server.issuer],
  );
  await deleteRegistrationsOfRemovedServers(pool);
  expect(await count()).toBe(1);
  await fixture.askAsAdmin({ method: 'DELETE', url: `/mcp-servers/${mcpServerId}` });
  await deleteRegistrationsOfRemovedServers(pool);
  expect(await count()).toBe(0);
});

test('no secret of a flow is in a log line, an answer or a row in clear', async ({
  fixture,
  server,
  mcpServerId,
}) => {
  const secret = (name: string) => `${name}-${randomUUID()}`;
  const secrets = {
    code: secret('code'),
    access: secret('access'),
    refresh: secret('refresh'),
    client: secret('client-secret'),
  };
  server.answer('/register', (response) => {
    const client = { client_id: 'with-secret', client_secret: secrets.client };
    response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify(client));
  });
  server.answer('/token', tokens({ access_token: secrets.access, refresh_token: secrets.refresh }));
  const browser = fixture.browser();
  const link = await fixture.link(mcpServerId, { confirm: 'host' });
  const rowsOf = async () => {
    const tables = ['mcp_client_registration', 'mcp_authorization', 'mcp_connect_session', 'mcp_credential'];
    const texts = await Promise.all(
      tables.map(async (table) => (await fixture.pool.query(`SELECT t::text FROM ${table} t`)).rows),
    );
    return JSON.stringify(texts);
  };
  const away = await fixture.press(browser, link.url);
  const seen = [await rowsOf()];
  const page = await fixture.comeBack(browser, answerTo(away, server, { code: secrets.code }));
  const confirmed = await fixture.ask({
    method: 'POST',
    url: `/connect-sessions/${link.connectSessionId}/confirm`,
  });
  const replay = await fixture.comeBack(browser, answerTo(away, server, { code: secrets.code }));
  seen.push(await rowsOf(), page.body, replay.body, confirmed.body, fixture.logged());
  expect(confirmed.json()).toMatchObject({ status: 'connected' });

  const verifier = server.tokenRequests()[0]?.get('code_verifier') ?? '';
  const token = new URL(link.url).searchParams.get('link') ?? '';
  const state = away.searchParams.get('state') ?? '';
  for (const [name, text] of Object.entries({ ...secrets, verifier, token, state })) {
    expect([name, text.length > 20]).toEqual([name, true]);
    for (const text_ of seen) expect([name, text_.includes(text)]).toEqual([name, false]);
  }
});
