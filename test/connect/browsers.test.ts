import { describe, expect } from 'vitest';
import { csrfIn } from '../http/browser-client.ts';
import { readableTextOf as textOf } from '../support/page-text.ts';
import { answerTo, CONNECT_URL, headingOf } from './connect-fixture.ts';
import { connectTest } from './fixtures.ts';

const test = connectTest.extend('browser', ({ fixture }) => fixture.browser());

function pathOf({ pathname, search }: URL): string {
  return `${pathname}${search}`;
}

const CONFIRMED = { confirm: 'host', returnTo: 'https://app.example/done' };

// Mallory passes a link of her own on, and the victim consents.
describe("confirm: 'host' protects the user who follows the link of somebody else", () => {
  test('the web session of the link’s user can’t confirm', async ({ fixture, server, mcpServerId }) => {
    const link = await fixture.link(mcpServerId, CONFIRMED, 'mallory');
    const victim = fixture.browser();
    await victim.open(pathOf(answerTo(await fixture.press(victim, link.url), server)));
    const mallory = await fixture.signedIn('mallory');
    const confirmed = await mallory.call('POST', `/connect-sessions/${link.connectSessionId}/confirm`);
    expect(confirmed.statusCode).toBe(401);
    expect(await fixture.status(link, 'mallory')).toMatchObject({ status: 'awaiting-confirmation' });
    expect(await fixture.grant('mallory', mcpServerId)).toBeUndefined();
  });

  test('only the browser that left first can consent', async ({ fixture, server, mcpServerId }) => {
    const link = await fixture.link(mcpServerId, CONFIRMED, 'mallory');
    const [mallory, victim] = [fixture.browser(), fixture.browser()];
    await fixture.press(mallory, link.url);
    const refused = await fixture.press(victim, link.url);
    expect(refused.origin).toBe(CONNECT_URL);
    expect((await victim.open(pathOf(refused))).statusCode).toBe(403);
    expect((await fixture.press(mallory, link.url)).origin).toBe(server.issuer);
  });

  test('the link’s user does not see the outcome in another browser', async ({
    fixture,
    server,
    mcpServerId,
  }) => {
    const link = await fixture.link(mcpServerId, { confirm: 'host' }, 'mallory');
    const victim = fixture.browser();
    const page = await fixture.comeBack(victim, answerTo(await fixture.press(victim, link.url), server));
    expect(headingOf(page)).toBe('One more step in your app');
    const mallory = await fixture.signedIn('mallory');
    const seen = await mallory.open(`/connect-sessions/${link.connectSessionId}/outcome`);
    expect(seen.statusCode).toBe(403);
  });

  test('without it, a user may change the browser', async ({ fixture, server, mcpServerId }) => {
    const link = await fixture.link(mcpServerId);
    await fixture.press(fixture.browser(), link.url);
    expect((await fixture.press(fixture.browser(), link.url)).origin).toBe(server.issuer);
  });
});

describe('two browsers in one session', () => {
  test('the one whose consent is kept sees the outcome, also if it left first', async ({
    fixture,
    server,
    mcpServerId,
  }) => {
    const link = await fixture.link(mcpServerId);
    const [phone, laptop] = [fixture.browser(), fixture.browser()];
    const away = await fixture.press(phone, link.url);
    await fixture.press(laptop, link.url);
    expect(headingOf(await fixture.comeBack(phone, answerTo(away, server)))).toBe('Connected to The Ledger');
    expect(await fixture.status(link)).toMatchObject({ status: 'connected' });
  });

  test('the other one does not come back to the host', async ({ fixture, server, mcpServerId }) => {
    const link = await fixture.link(mcpServerId, { returnTo: 'https://app.example/done' });
    const [mallory, victim] = [fixture.browser(), fixture.browser()];
    const left = await fixture.press(mallory, link.url);
    const { rows } = await fixture.pool.query(
      'SELECT * FROM mcp_authorization WHERE connect_session_id = $1',
      [link.connectSessionId],
    );
    const done = await victim.open(pathOf(answerTo(await fixture.press(victim, link.url), server)));
    expect(done.headers.location).toContain('https://app.example/done?');
    const remaining = await fixture.pool.query(
      'SELECT count(*)::int FROM mcp_authorization WHERE connect_session_id = $1',
      [link.connectSessionId],
    );
    expect(remaining.rows).toEqual([{ count: 0 }]);

    // As if the browser had left just after the other one came back.
    await fixture.pool.query(
      `INSERT INTO mcp_authorization
         (state_hash, connect_session_id, user_id, mcp_server_id, browser_hash, request_jwe, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [
        'state_hash',
        'connect_session_id',
        'user_id',
        'mcp_server_id',
        'browser_hash',
        'request_jwe',
        'expires_at',
      ].map((column) => rows[0]?.[column]),
    );
    const forged = answerTo(left, server, { code: 'anything', iss: 'https://whatever.example' });
    const refused = await mallory.open(pathOf(forged));
    expect([refused.statusCode, refused.headers.location]).toEqual([403, undefined]);
  });
});

describe('the next person at the same browser', () => {
  const signedOut = test.extend('signedOut', async ({ fixture, server, mcpServerId }) => {
    const browser = await fixture.signedIn('alice');
    const sent = await browser.fillIn(`/connect/${mcpServerId}`, `/connect/${mcpServerId}`);
    const away = new URL(String(sent.headers.location));
    const denied = answerTo(away, server, { code: undefined, error: 'access_denied' });
    const outcome = String((await browser.open(pathOf(denied))).headers.location);
    const page = await browser.open(outcome);
    const cookies = new Map(browser.cookies);
    await browser.submit('/sign-out', { csrf: csrfIn((await browser.open('/')).body) });
    return { browser, outcome, csrf: csrfIn(page.body), cookies };
  });

  signedOut('has another browser cookie', async ({ signedOut: { browser } }) => {
    expect([...browser.cookies.keys()]).toEqual([]);
  });

  signedOut('sees nothing and can’t try again', async ({ signedOut: { browser, outcome, cookies } }) => {
    // Without the session cookie alone, as if the session had ended by itself.
    const kept = '__Host-latchkey-browser';
    browser.cookies.set(kept, String(cookies.get(kept)));
    expect((await browser.open(outcome)).statusCode).toBe(403);
    const { csrf = '' } = { csrf: csrfIn((await browser.open('/sign-in')).body) };
    const retried = await browser.submit(outcome.replace('/outcome', '/retry'), { csrf });
    expect(retried.statusCode).toBe(403);
  });

  test('can’t finish what a signed-in user began', async ({ fixture, server, mcpServerId }) => {
    const browser = await fixture.signedIn('dora');
    const sent = await browser.fillIn(`/connect/${mcpServerId}`, `/connect/${mcpServerId}`);
    browser.cookies.delete('__Host-latchkey-session');
    await fixture.comeBack(browser, answerTo(new URL(String(sent.headers.location)), server));
    expect(server.tokenRequests()).toEqual([]);
    expect(await fixture.grant('dora', mcpServerId)).toBeUndefined();
  });
});

describe('a callback that is loaded again', () => {
  test('leads to the host again after a consent', async ({ fixture, server, browser, mcpServerId }) => {
    const link = await fixture.link(mcpServerId, { returnTo: 'https://app.example/done' });
    const callback = pathOf(answerTo(await fixture.press(browser, link.url), server));
    const first = await browser.open(callback);
    const again = await browser.open(callback);
    expect([again.statusCode, again.headers.location]).toEqual([303, first.headers.location]);
  });

  test('leads to the outcome again after a refusal', async ({ fixture, server, browser, mcpServerId }) => {
    const link = await fixture.link(mcpServerId);
    const denied = { code: undefined, error: 'access_denied' };
    const callback = answerTo(await fixture.press(browser, link.url), server, denied);
    await fixture.comeBack(browser, callback);
    expect(headingOf(await fixture.comeBack(browser, callback))).toBe('Not connected to The Ledger');
  });

  test('in another browser does not say that nothing was connected', async ({
    fixture,
    server,
    browser,
    mcpServerId,
  }) => {
    const link = await fixture.link(mcpServerId);
    const callback = answerTo(await fixture.press(browser, link.url), server);
    await fixture.comeBack(browser, callback);
    const page = await fixture.comeBack(fixture.browser(), callback);
    expect(page.statusCode).toBe(403);
    expect(textOf(page.body)).not.toMatch(/nothing (was|is) connected/i);
    expect(textOf(page.body)).toContain('your connections');
  });
});

test('an error while the consent is stored ends at an outcome with "Try again"', async ({
  fixture,
  server,
  browser,
  mcpServerId,
}) => {
  const link = await fixture.link(mcpServerId);
  const callback = answerTo(await fixture.press(browser, link.url), server);
  await fixture.pool.query(
    `CREATE FUNCTION refuse_credential() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '57P01'; END $$`,
  );
  await fixture.pool.query(
    'CREATE TRIGGER refuse_credential BEFORE INSERT ON mcp_credential FOR EACH ROW EXECUTE FUNCTION refuse_credential()',
  );
  const page = await fixture.comeBack(browser, callback);
  await fixture.pool.query('DROP TRIGGER refuse_credential ON mcp_credential');
  await fixture.pool.query('DROP FUNCTION refuse_credential');
  expect(headingOf(page)).toBe('Not connected to The Ledger');
  expect(page.body).toContain('>Try again</button>');
  expect(await fixture.status(link)).toMatchObject({ status: 'failed', code: 'temporarily-unavailable' });
  const again = await fixture.comeBack(browser, answerTo(await fixture.press(browser, link.url), server));
  expect(headingOf(again)).toBe('Connected to The Ledger');
});

test('an error that is no error code is neither shown, logged nor stored', async ({
  fixture,
  server,
  browser,
  mcpServerId,
}) => {
  const link = await fixture.link(mcpServerId);
  const error = 'Your account is locked. Call 555-0100 now';
  const callback = answerTo(await fixture.press(browser, link.url), server, { code: undefined, error });
  const page = await fixture.comeBack(browser, callback);
  expect(textOf(page.body)).toContain('an unknown error');
  const { rows } = await fixture.pool.query('SELECT s::text FROM mcp_connect_session s WHERE id = $1', [
    link.connectSessionId,
  ]);
  for (const text of [page.body, fixture.logged(), JSON.stringify(rows)]) {
    expect(text).not.toContain('555-0100');
  }
});
