import { describe, expect, onTestFinished, vi } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import { stepWorkflowId } from '../../src/contracts/step-workflow-id.ts';
import { registerWaiter } from '../../src/credentials/waiters/waiter-store.ts';
import { TemporalUnavailable } from '../../src/temporal/temporal-call.ts';
import { textOf } from '../support/page-text.ts';
import { type BrowserClient, createBrowserClient } from './browser-client.ts';
import { httpTestWith } from './fixtures.ts';
import {
  createHttpFixture,
  DEPOSIT,
  type FixtureOptions,
  type HttpFixture,
  newId,
  OAUTH_SERVER,
  PUBLIC_URL,
  registerServer,
} from './http-fixture.ts';

async function createServersFixture(options?: FixtureOptions): Promise<HttpFixture> {
  const fixture = await createHttpFixture(options);
  await registerServer(fixture, 'ledger', { ...OAUTH_SERVER, title: 'Ledger & <Co>' });
  await registerServer(fixture, 'notes', OAUTH_SERVER);
  return fixture;
}

async function signedIn(fixture: HttpFixture, userId: string, isAdmin = false): Promise<BrowserClient> {
  const browser = createBrowserClient(fixture.app, PUBLIC_URL);
  browser.cookies.set('__Host-latchkey-session', await fixture.deps.web.sessions.begin({ userId, isAdmin }));
  return browser;
}

const test = httpTestWith(createServersFixture)
  .extend('user', () => `user-${newId()}`)
  .extend('home', ({ fixture, user }) => async (query = ''): Promise<string> => {
    const answer = await (await signedIn(fixture, user)).open(`/${query}`);
    expect(answer.statusCode).toBe(200);
    return answer.body;
  })
  .extend('start', ({ fixture, user }) => async (step: Partial<StepView> = {}): Promise<string> => {
    const stepId = newId();
    const { mcpServerId = 'ledger', tool = 'create_invoice', ...change } = step;
    await fixture.steps.start({ userId: user, stepId, mcpServerId, tool, arguments: {} });
    fixture.steps.change(user, stepId, change);
    return stepId;
  })
  .extend('wait', ({ fixture, user }) => (mcpServerId: string, more: object = {}) => {
    const stepId = newId();
    const workflowId = stepWorkflowId(user, stepId);
    const waiter = { userId: user, mcpServerId, workflowId, stepId, seenVersion: 0 };
    return registerWaiter(fixture.pool, { ...waiter, ...more });
  })
  .extend('connect', ({ fixture, user }) => async (mcpServerId: string, account = 'default') => {
    const payload = { ...DEPOSIT, mcpServerId, account, refreshToken: newId() };
    await fixture.ask({ method: 'POST', url: '/mcp-oauth-credentials', user, payload });
  })
  .extend('lapse', ({ fixture, user }) => async () => {
    await fixture.pool.query(
      `UPDATE mcp_credential SET status = 'reauth-required', reason = 'invalid-grant' WHERE user_id = $1`,
      [user],
    );
  });

/** The cards, and where the button of each leads. */
const cardsIn = (html: string) =>
  [...html.matchAll(/<li id="[^"]*" class="card[^"]*">([\s\S]*?)<\/li>/g)].map(([, card = '']) => ({
    text: textOf(card),
    href: /<a class="button" href="([^"]*)"/.exec(card)?.[1],
    buttons: card.split('<a ').length - 1,
  }));
const rowsIn = (html: string) =>
  [...html.matchAll(/data-step-id="([^"]*)">([\s\S]*?)<\/li>/g)].map(([, id = '', row = '']) => ({
    id,
    text: textOf(row),
    href: /<a href="([^"]*)"/.exec(row)?.[1],
    status: /data-status="([^"]*)"/.exec(row)?.[1],
  }));

describe('what needs the user now', () => {
  test('is a server that was never connected', async ({ home, wait }) => {
    await wait('ledger');
    await wait('ledger');
    expect(cardsIn(await home())).toEqual([
      {
        text: expect.stringMatching(
          /^Ledger &amp; &lt;Co> The server is not connected\. 2 steps are waiting, the first for .*\. Connect$/,
        ),
        href: '/mcp/connect/ledger?from=home',
        buttons: 1,
      },
    ]);
  });

  test('is a connection that has to be made again, of the account that is waited for', async ({
    home,
    wait,
    connect,
    lapse,
  }) => {
    await connect('ledger');
    await connect('ledger', 'work');
    await lapse();
    await wait('ledger', { account: 'work', seenVersion: 1 });
    const html = await home();
    expect(cardsIn(html)).toEqual([
      {
        text: expect.stringMatching(
          /, work Your permission has ended: .* 1 step has been waiting for .*\. Reconnect$/,
        ),
        href: '/mcp/connect/ledger?account=work&amp;from=home',
        buttons: 1,
      },
    ]);
    // The other one, for which no step waits.
    expect(textOf(html)).toContain('No step waits for it. Reconnect');
    expect(html).toContain('class="button quiet small" href="/mcp/connect/ledger?from=home"');
  });

  test('is more access, with the scopes', async ({ home, wait, connect }) => {
    await connect('notes');
    await wait('notes', { seenVersion: 1, requiredScopes: ['notes:write', 'a', 'b', 'c', 'd', '<z>'] });
    const [card] = cardsIn(await home());
    expect(card?.text).toContain('more access than you have allowed: &lt;z>, a, b, c, d and 1 more.');
    expect(card?.text).toMatch(/Allow more access$/);
  });

  test('is a step that waits for an approval, and one whose outcome is unknown', async ({ home, start }) => {
    const paused = { status: 'awaiting-input', title: 'Pay <Ada>' } as const;
    const first = await start({ ...paused, awaitingInputReason: 'needs-approval' });
    const second = await start({ ...paused, awaitingInputReason: 'outcome-unknown', account: 'work' });
    await start({ ...paused, awaitingInputReason: 'needs-oauth-reauth' });
    expect(cardsIn(await home())).toEqual([
      {
        text: expect.stringMatching(
          /^Pay &lt;Ada> Asks before it calls create_invoice at Ledger &amp; &lt;Co>\. It has been waiting for your approval for .*\. Review$/,
        ),
        href: `/mcp/step/${first}`,
        buttons: 1,
      },
      {
        text: expect.stringMatching(
          /^Pay &lt;Ada> The call of create_invoice at Ledger &amp; &lt;Co>, work was sent, and no answer came\..*your decision for .*\. Decide$/,
        ),
        href: `/mcp/step/${second}`,
        buttons: 1,
      },
    ]);
  });

  test('is nothing, and the page says so', async ({ home, start }) => {
    await start();
    const html = await home();
    expect(cardsIn(html)).toEqual([]);
    expect(textOf(html)).toContain('Nothing needs you now.');
  });

  test('is cut at 20 things, and then leads to the steps that wait', async ({ home, start, wait }) => {
    await wait('ledger');
    for (let n = 0; n < 20; n++) {
      await start({ status: 'awaiting-input', awaitingInputReason: 'needs-approval' });
    }
    const html = await home();
    expect(cardsIn(html)).toHaveLength(20);
    expect(cardsIn(html)[0]?.text).toContain('Connect');
    expect(html).toContain('<a href="/mcp/?status=awaiting-input">all steps that wait for you</a>');
  });

  test('may be more than was read, and the page does not claim that there is nothing', async ({
    fixture,
    home,
    start,
  }) => {
    for (let n = 0; n < 26; n++) await start();
    vi.spyOn(fixture.steps, 'listUndecided').mockResolvedValue({ steps: [], isCut: true });
    onTestFinished(() => void vi.restoreAllMocks());
    const html = await home();
    expect(textOf(html)).toContain('Many steps wait: all steps that wait for you');
    expect(textOf(html)).not.toContain('Nothing needs you');
  });

  test('is what has waited longest, if there is more than the page shows', async ({ home, start }) => {
    const paused = { status: 'awaiting-input', awaitingInputReason: 'needs-approval' } as const;
    const day = (n: number) => `2024-01-${String(n).padStart(2, '0')}T00:00:00.000Z`;
    // The one that was started last has waited longest.
    for (let n = 21; n > 0; n--) await start({ ...paused, title: `Day ${n}.`, updatedAt: day(n) });
    const html = await home();
    const titles = cardsIn(html).map(({ text }) => /^Day \d+\./.exec(text)?.[0]);
    expect(titles).toEqual(Array.from({ length: 20 }, (_, index) => `Day ${index + 1}.`));
    expect(textOf(html)).toContain(
      'These are the 20 that have waited longest. See all steps that wait for you',
    );
    const list = textOf(await home('?status=awaiting-input'));
    expect(list).toContain('Day 21.');
    expect(list).not.toContain('need you');
  });

  test('is told apart from what an operator has paused', async ({ fixture, home, start }) => {
    await registerServer(fixture, 'zulu', { ...OAUTH_SERVER });
    await fixture.askAsAdmin({ method: 'POST', url: '/mcp-servers/zulu/pause' });
    await start({ mcpServerId: 'zulu' });
    await start({ mcpServerId: 'notes' });
    const texts = rowsIn(await home()).map(({ text }) => text);
    expect(texts.filter((text) => text.includes('the server is paused'))).toEqual([
      expect.stringContaining('zulu'),
    ]);
  });

  test('is one line above a list that is narrowed', async ({ home, start }) => {
    await start({ status: 'awaiting-input', awaitingInputReason: 'needs-approval' });
    for (const query of ['?status=error', '?server=notes']) {
      const html = await home(query);
      expect(cardsIn(html)).toEqual([]);
      expect(textOf(html)).toContain('1 thing needs you. Show it');
    }
  });
});

describe('the list of steps', () => {
  test('shows each step with its name, server, account, time and status', async ({ home, start }) => {
    const [running, failed] = [
      await start({ account: 'work', createdAt: '2026-01-02T03:04:05Z' }),
      await start({ status: 'error', title: 'Send it', updatedAt: new Date().toISOString() }),
    ];
    expect(rowsIn(await home())).toEqual([
      {
        id: running,
        href: `/mcp/step/${running}`,
        status: 'running',
        text: 'create_invoice Ledger &amp; &lt;Co>, work · started 2 Jan 2026, 03:04 UTC Running',
      },
      {
        id: failed,
        href: `/mcp/step/${failed}`,
        status: 'error',
        text: expect.stringMatching(
          /^Send it create_invoice at Ledger &amp; &lt;Co> · ended (just now|. seconds? ago) Failed$/,
        ),
      },
    ]);
  });

  test('is narrowed by status and by server, and each link keeps the other', async ({ home, start }) => {
    const failed = await start({ status: 'error' });
    await start();
    const other = await start({ status: 'error', mcpServerId: 'notes' });
    const ids = async (query: string) => rowsIn(await home(query)).map(({ id }) => id);
    expect(await ids('?status=error')).toEqual([failed, other]);
    expect(await ids('?server=notes')).toEqual([other]);
    expect(await ids('?status=error&server=ledger')).toEqual([failed]);

    const html = await home('?status=error&server=ledger');
    expect(html).toContain('<a href="/mcp/?status=running&amp;server=ledger">Running</a>');
    expect(html).toContain('<a href="/mcp/?server=ledger">All</a>');
    expect(html).toMatch(/<a href="[^"]*" aria-current="true">Failed<\/a>/);
    expect(html).toContain('<input type="hidden" name="status" value="error"/>');
    expect(html).toContain('<option value="ledger" selected>');
  });

  test('is of all steps where the filter makes no sense', async ({ home, start }) => {
    await start();
    for (const query of ['?status=nonsense', '?status=error&status=running', `?server=${'x'.repeat(256)}`]) {
      expect(rowsIn(await home(query)), query).toHaveLength(1);
    }
    expect(rowsIn(await home('?server='))).toHaveLength(1);
    const none = await home('?server=gone');
    expect(textOf(none)).toContain('No step matches');
    expect(none).toContain('<option value="gone" selected>gone</option>');
  });

  test('has pages of 25, and an address that keeps the filter', async ({ home, start }) => {
    const ids = [];
    for (let n = 0; n < 60; n++) ids.push(await start({ status: 'success' }));
    const first = await home('?status=success');
    expect(rowsIn(first).map(({ id }) => id)).toEqual(ids.slice(0, 25));
    expect(first).not.toContain('Back to the newest');
    const older = /<a class="button quiet small" href="\/mcp\/([^"]*)">Older steps/.exec(first)?.[1] ?? '';
    expect(older).toBe('?status=success&amp;cursor=25');

    const last = await home('?status=success&cursor=50');
    expect(rowsIn(last).map(({ id }) => id)).toEqual(ids.slice(50));
    expect(last).not.toContain('Older steps');
    expect(last).toContain('<a href="/mcp/?status=success">Back to the newest</a>');
  });

  test('is the first page, with a notice, where the cursor does not work', async ({ home, start }) => {
    const id = await start();
    const html = await home('?cursor=nonsense');
    expect(rowsIn(html).map((row) => row.id)).toEqual([id]);
    expect(textOf(html)).toContain('The link to older steps does not work any more.');
  });

  test('holds no step of another user', async ({ fixture, home, start }) => {
    const own = await start();
    await fixture.steps.start({ userId: 'somebody', stepId: newId(), mcpServerId: 'ledger', tool: 't' });
    expect(rowsIn(await home()).map(({ id }) => id)).toEqual([own]);
  });
});

test('long, hostile and foreign texts are shown as texts, and cut', async ({ home, start }) => {
  const long = `<script>alert(1)</script>${'x'.repeat(10_000)}`;
  const paused = { status: 'awaiting-input', awaitingInputReason: 'needs-approval' } as const;
  await start({
    ...paused,
    title: long,
    tool: long,
    account: long.slice(0, 255),
    mcpServerId: long.slice(0, 255),
  });
  await start({ title: `${'👩‍👩‍👧‍👦'.repeat(5_000)}` });
  await start({ title: `e${'\u0301'.repeat(10_000)}` });
  await start({ title: 'فاتورة' });
  const html = await home();
  expect(html).not.toContain('<script>alert');
  expect(html.length).toBeLessThan(14_000);
  expect(html).toContain('<bdi>فاتورة</bdi>');
  expect(html).toContain('👩‍👩‍👧‍👦…</bdi>');
});

test('a full page is smaller than 30 KB', async ({ home, start, wait, connect, lapse }) => {
  await connect('notes');
  await lapse();
  await wait('ledger', { account: 'work' });
  for (let n = 0; n < 60; n++) {
    await start({
      status: 'awaiting-input',
      awaitingInputReason: n % 2 === 0 ? 'needs-approval' : 'outcome-unknown',
      title: `Send the invoice number ${n} of November to all customers`,
    });
  }
  const html = await home();
  expect(cardsIn(html)).toHaveLength(20);
  expect(rowsIn(html)).toHaveLength(25);
  expect(Buffer.byteLength(html)).toBeLessThan(30_000);
});

test('ids stay the same from one rendering to the next, and are unique', async ({ home, start, wait }) => {
  const ids = async () => [...(await home()).matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
  await wait('ledger', { account: 'a b"<' });
  await start({ status: 'awaiting-input', awaitingInputReason: 'needs-approval' });
  const before = await ids();
  expect(new Set(before).size).toBe(before.length);
  expect(before.filter((id) => id?.match(/\s/))).toEqual([]);
  await start();
  expect(await ids()).toEqual(expect.arrayContaining(before));
});

describe('a user without steps', () => {
  test('is told to connect, and then to start a step', async ({ home, connect }) => {
    const fresh = await home();
    expect(fresh).toContain('<h1>Home</h1>');
    expect(textOf(fresh)).toContain('Connect a server first');
    expect(fresh).toMatch(/<a class="button" href="\/mcp\/connect\/ledger\?from=home">.*Connect/);
    expect(fresh).toContain('href="/mcp/docs"');
    await connect('notes');
    expect(await home()).toContain('<a class="button" href="/mcp/start">Start a step</a>');
  });

  test('is led to the page that starts a step in development, until there is something to show', async () => {
    const fixture = await createServersFixture({ web: { signIn: { kind: 'development', userId: 'dev' } } });
    const browser = await signedIn(fixture, 'dev');
    const blank = await browser.open('/');
    const narrowed = await browser.open('/?status=error');
    await fixture.steps.start({ userId: 'dev', stepId: 's', mcpServerId: 'ledger', tool: 't' });
    const used = await browser.open('/');
    await fixture.close();
    expect([blank.statusCode, blank.headers.location]).toEqual([303, `${PUBLIC_URL}/start`]);
    expect(narrowed.statusCode).toBe(200);
    expect(used.statusCode).toBe(200);
  });

  test('and without servers is told who adds one', async () => {
    const fixture = await createHttpFixture();
    const page = await (await signedIn(fixture, 'alice')).open('/');
    const adminPage = await (await signedIn(fixture, 'root', true)).open('/');
    await fixture.close();
    expect(textOf(page.body)).toContain('The people who run this service add servers. Ask them.');
    expect(page.body).not.toContain('/servers');
    expect(adminPage.body).toContain('<a class="button" href="/mcp/servers/new">Add a server</a>');
  });

  test('who needs no connection is told to start a step', async () => {
    const fixture = await createHttpFixture();
    await registerServer(fixture, 'open', { url: 'https://open.example/mcp', auth: { type: 'none' } });
    const page = await (await signedIn(fixture, 'alice')).open('/');
    await fixture.close();
    expect(page.body).toContain('href="/mcp/start">Start a step</a>');
  });
});

describe('without Temporal', () => {
  const waiting = async (fixture: HttpFixture) => {
    const key = { userId: 'alice', mcpServerId: 'ledger' };
    await registerWaiter(fixture.pool, { ...key, workflowId: 'w', stepId: 's', seenVersion: 0 });
    return signedIn(fixture, 'alice');
  };

  test('the page shows what the database knows, and says that the steps are missing', async () => {
    const down = async () => {
      throw new TemporalUnavailable();
    };
    const fixture = await createServersFixture();
    Object.assign(fixture.steps, { list: down, listUndecided: down });
    const page = await (await waiting(fixture)).open('/');
    await fixture.close();
    expect(page.statusCode).toBe(200);
    expect(cardsIn(page.body)).toHaveLength(1);
    expect(textOf(page.body)).toContain('can’t be shown at the moment');
    expect(textOf(page.body)).not.toContain('Nothing needs you now');
  });

  test('the page comes without them', async () => {
    const fixture = await createServersFixture();
    const never = vi.fn(() => new Promise<never>(() => {}));
    Object.assign(fixture.steps, { list: never, listUndecided: never });
    const browser = await waiting(fixture);
    const page = await browser.open('/');
    await fixture.close();
    expect(never).toHaveBeenCalled();
    expect(cardsIn(page.body)).toHaveLength(1);
    expect(textOf(page.body)).toContain('can’t be shown at the moment');
  });
});
