import { describe, expect } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import { TemporalUnavailable } from '../../src/temporal/temporal-call.ts';
import { mainTextOf as textOf } from '../support/page-text.ts';
import { type BrowserClient, createBrowserClient } from './browser-client.ts';
import { httpTestWith } from './fixtures.ts';
import {
  createHttpFixture,
  DEPOSIT,
  type HttpFixture,
  OAUTH_SERVER,
  PUBLIC_URL,
  registerServer,
} from './http-fixture.ts';

async function createLedgerFixture() {
  const fixture = await createHttpFixture();
  await registerServer(fixture, 'ledger', { ...OAUTH_SERVER, title: 'Ledger & <Co>' });
  return fixture;
}

const test = httpTestWith(createLedgerFixture)
  .extend('browser', ({ fixture }) => signedIn(fixture, 'alice'))
  .extend(
    'step',
    ({ fixture }) =>
      async (stepId: string, change: Partial<StepView> = {}, input: object = {}): Promise<void> => {
        const payload = { mcpServerId: 'ledger', tool: 'create_invoice', stepId, ...input };
        const answer = await fixture.ask({ method: 'POST', url: '/steps', payload });
        expect(answer.statusCode).toBe(202);
        fixture.steps.change('alice', stepId, change);
      },
  );

async function signedIn(fixture: HttpFixture, userId: string): Promise<BrowserClient> {
  const browser = createBrowserClient(fixture.app, PUBLIC_URL);
  const session = await fixture.deps.web.sessions.begin({ userId, isAdmin: false });
  browser.cookies.set('__Host-latchkey-session', session);
  return browser;
}

describe('the page of a step', () => {
  test('says what it is, where it calls, as whom, how and since when', async ({ step, browser }) => {
    await step('facts', {}, { title: '<i>Bill</i> & co', arguments: { customer: '<b>ACME</b>' } });
    const page = await browser.open('/step/facts');
    expect(page.statusCode).toBe(200);
    expect(page.body).toContain('data-step-id="facts"');
    expect(page.body).toContain('data-status="running"');
    expect(page.body).toContain('<h1 dir="auto">&lt;i>Bill&lt;/i> &amp; co</h1>');
    const text = textOf(page.body);
    expect(text).toContain('Ledger &amp; &lt;Co> mcp.example');
    expect(text).toContain('create_invoice');
    expect(text).toContain('Your account');
    expect(text).toContain('Runs without asking');
    expect(text).toContain('customer &lt;b>ACME&lt;/b>');
    expect(page.body).not.toMatch(/<[bi]>/);
  });

  test('says that it is about to go on, from the moment that its account is connected', async ({
    fixture,
    step,
    browser,
  }) => {
    const waits = { status: 'awaiting-input', awaitingInputReason: 'needs-oauth-reauth' } as const;
    await step('woken', waits, { account: 'woken' });
    const waiter = ['w-woken', 'woken', 'alice', 'ledger', 'woken', 0];
    await fixture.pool.query(
      `INSERT INTO mcp_step_waiter (workflow_id, step_id, user_id, mcp_server_id, account, seen_version)
       VALUES ($1, $2, $3, $4, $5, $6)`,
      waiter,
    );
    expect(textOf((await browser.open('/step/woken')).body)).toContain('Needs a connection');

    const payload = { ...DEPOSIT, mcpServerId: 'ledger', account: 'woken' };
    await fixture.ask({ method: 'POST', url: '/mcp-oauth-credentials', payload });
    const { body } = await browser.open('/step/woken');
    expect(textOf(body)).toContain('About to go on');
    expect(body).toContain('data-status="awaiting-input"');
    expect(body).not.toMatch(/Needs a connection|Waiting for you|\/connect\//);
    expect((await browser.open('/')).body).toContain('data-state="about-to-go-on"');

    // It was told, tried, and the server refused the new access, too.
    await fixture.pool.query("UPDATE mcp_step_waiter SET seen_version = 9 WHERE workflow_id = 'w-woken'");
    expect(textOf((await browser.open('/step/woken')).body)).toContain('Needs a connection');
    await fixture.pool.query("DELETE FROM mcp_step_waiter WHERE workflow_id = 'w-woken'");
  });

  test('leads a browser that is not signed in to the sign-in and back', async ({ fixture, step }) => {
    await step('sign-in-first');
    const stranger = createBrowserClient(fixture.app, PUBLIC_URL);
    for (const path of ['', '/cancel', '/result', '/content/0']) {
      const answer = await stranger.open(`/step/sign-in-first${path}`);
      expect(answer.statusCode).toBe(303);
      expect(answer.headers.location).toBe(
        `${PUBLIC_URL}/sign-in?returnTo=${encodeURIComponent(`/step/sign-in-first${path}`)}`,
      );
    }
  });

  test("does not exist for another user's step, an unknown one or an impossible id", async ({
    fixture,
    step,
  }) => {
    await step('of-alice', { result: { content: [{ type: 'text', text: 'hers' }] } });
    const bob = await signedIn(fixture, 'bob');
    for (const path of ['of-alice', 'of-alice/result', 'of-alice/content/0', 'none', 'a%20b']) {
      const answer = await bob.open(`/step/${path}`);
      expect([path, answer.statusCode]).toEqual([path, 404]);
      expect(answer.body).toContain('<h1>Not found</h1>');
      expect(answer.body).not.toContain('hers');
    }
  });

  test.for<[string, Partial<StepView>, string[]]>([
    [
      'reauth',
      { awaitingInputReason: 'needs-oauth-reauth', connectionReason: 'invalid-grant' },
      ['Needs a connection', 'Your permission has ended', 'Reconnect'],
    ],
    [
      'first-connect',
      { awaitingInputReason: 'needs-oauth-reauth', connectionReason: 'not-connected' },
      ['You have not connected this account yet', 'Connect'],
    ],
    [
      'scope',
      { awaitingInputReason: 'needs-oauth-scope', requiredScopes: ['read', '<write>'] },
      ['Needs more access', 'read', '&lt;write>', 'Allow more access'],
    ],
    [
      'lost',
      {
        awaitingInputReason: 'outcome-unknown',
        timeline: [{ at: '2026-01-01T00:00:00Z', event: 'answer-lost', cause: 'timeout' }],
      },
      ['Outcome unknown', 'it did not answer in time', 'happened twice', 'do not run it twice', 'Call again'],
    ],
  ])('says what it waits for: %s', async ([stepId, waiting, words], { step, browser }) => {
    await step(stepId, { status: 'awaiting-input', ...waiting });
    const page = await browser.open(`/step/${stepId}`);
    for (const word of words) expect(textOf(page.body)).toContain(word);
  });

  test('of a listing says which connections it waits for, and asks for no decision', async ({
    step,
    browser,
  }) => {
    const listing = { kind: 'listing', tool: '', title: 'List the tools of ledger and crm' } as const;
    const crm = { mcpServerId: 'c&m', account: 'work' };
    const connections = [
      {
        mcpServerId: 'ledger',
        account: 'default',
        awaitingInputReason: 'needs-oauth-reauth' as const,
        connectionReason: 'not-connected' as const,
        connectUrl: 'https://elsewhere.example/',
      },
      {
        ...crm,
        awaitingInputReason: 'needs-oauth-scope' as const,
        connectUrl: 'https://elsewhere.example/',
      },
    ];
    const reason = { awaitingInputReason: 'needs-oauth-reauth' } as const;
    await step('listing', { ...listing, ...reason, status: 'awaiting-input', connections });

    const waiting = await browser.open('/step/listing');
    expect(waiting.body).toContain('<h1 dir="auto">List the tools of ledger and crm</h1>');
    expect(waiting.body).toMatch(
      /href="[^"]*\/connect\/ledger\?step=listing"[^>]*aria-label="Connect: Ledger &amp; &lt;Co>"[^>]*>\s*Connect</,
    );
    expect(waiting.body).toMatch(
      /href="[^"]*\/connect\/c%26m\?step=listing&amp;account=work"[^>]*aria-label="Allow more access: c&amp;m, work"[^>]*>\s*Allow more access</,
    );
    expect(textOf(waiting.body)).toContain('Needs connections and more access');
    const ids = [...waiting.body.matchAll(/<li id="(awaited-[^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(2);
    expect(waiting.body).not.toContain('elsewhere.example');
    for (const word of ['Arguments', 'Approval', 'Approve', 'Reject', 'Call again'])
      expect(textOf(waiting.body)).not.toContain(word);
    expect(textOf(waiting.body)).toContain('Cancel step');

    const ends: [Partial<StepView>, string][] = [
      [{ status: 'running' }, 'Asking the servers for their tools'],
      [
        { status: 'error', error: { code: 'reauth-timed-out', message: 'crm (reauth-timed-out)' } },
        'Not all tools could be listed',
      ],
      [{ status: 'cancelled' }, 'It was ended before it had a result.'],
    ];
    for (const [index, [change, words]] of ends.entries()) {
      await step(`listing-${index}`, { ...listing, ...change });
      const { body } = await browser.open(`/step/listing-${index}`);
      expect(textOf(body)).toContain(words);
      expect(textOf(body)).not.toContain('may still have run');
      expect(body).not.toContain('Start a new step');
    }
  });

  test('links to our own page for connecting, whatever the workflow says', async ({ step, browser }) => {
    await step('hostile-link', {
      status: 'awaiting-input',
      awaitingInputReason: 'needs-oauth-reauth',
      connectionReason: 'invalid-grant',
      connectUrl: 'javascript:alert(1)',
      account: 'work & co',
    });
    const { body } = await browser.open('/step/hostile-link');
    expect(body).not.toContain('javascript:');
    expect(body).toContain('href="/mcp/connect/ledger?step=hostile-link&amp;account=work%20%26%20co"');
  });

  test('shows the progress of a call under way, and asks to be read again', async ({ step, browser }) => {
    const at = new Date().toISOString();
    await step('progress', {
      timeline: [
        { at, event: 'started' },
        { at, event: 'progress', progress: 3, total: 10, message: '<b>Third</b> page' },
      ],
    });
    const { body } = await browser.open('/step/progress');
    expect(body).toContain('<progress id="progress" value="3" max="10">');
    expect(textOf(body)).toContain('Progress: 3 of 10');
    expect(body).toContain('&lt;b>Third&lt;/b> page');
    expect(body).toContain('data-refresh-seconds=');
  });

  test.for<[string, object, string]>([
    [
      'server',
      { event: 'waiting-for-server', cause: 'connect-refused', waitMs: 240_000 },
      'it refuses connections. Next try in',
    ],
    ['turn', { event: 'waiting-for-turn', cause: 'too-many-calls' }, 'Waiting for its turn'],
    [
      'operator',
      { event: 'waiting-for-operator', cause: 'invalid_client', waitMs: 60_000 },
      'Waiting for the people who run this service',
    ],
    ['paused', { event: 'server-paused' }, 'The server is paused'],
    ['cancelling', { event: 'cancelling' }, 'Nothing more is sent'],
  ])('says what a running step does now: %s', async ([name, entry, words], { step, browser }) => {
    const at = new Date().toISOString();
    await step(`now-${name}`, {
      timeline: [
        { at, event: 'started' },
        { at, event: '', ...entry },
      ],
    });
    const { body } = await browser.open(`/step/now-${name}`);
    expect(textOf(body)).toContain(words);
    expect(body).not.toContain('data-refresh-seconds=');
  });

  test('does not go on in appearance once it was told to stop, whatever the server still reports', async ({
    step,
    browser,
  }) => {
    const at = new Date().toISOString();
    await step('stopping', {
      timeline: [
        { at, event: 'cancelling' },
        { at, event: 'progress', progress: 3, total: 10 },
      ],
    });
    const { body } = await browser.open('/step/stopping');
    expect(body).toMatch(/data-status="running"[^>]*>Cancelling</);
    expect(body).not.toMatch(/data-status="running"[^>]*>Running</);
    expect(body).not.toContain('<progress');
    expect(textOf(body)).toContain('Nothing more is sent');
    expect(textOf(body)).not.toContain('Calling the tool');
  });

  test('calls again, as far as anyone knows, once the time of the next try is over', async ({
    step,
    browser,
  }) => {
    const timeline = [
      { at: '2026-01-01T00:00:00Z', event: 'waiting-for-server', cause: 'timeout', waitMs: 1_000 },
    ];
    await step('tries-again', { timeline });
    expect(textOf((await browser.open('/step/tries-again')).body)).toContain('Calling the tool');
  });

  test('tells every event of a step in words, and an unknown one by its name', async ({ step, browser }) => {
    const at = '2026-03-01T10:00:00Z';
    const events: [object, string][] = [
      [{ event: 'started' }, 'Started'],
      [{ event: 'awaiting-input', reason: 'needs-approval' }, 'Paused: needs your approval'],
      [{ event: 'approved', by: 'alice', edited: true }, 'Approved by you With other arguments'],
      [
        { event: 'rejected', by: '<b>bob</b>', reason: 'not <today>' },
        'Rejected by &lt;b>bob&lt;/b> not &lt;today>',
      ],
      [{ event: 'resolved', by: 'bob', action: 'retry' }, 'Decided by bob The tool is called again.'],
      [{ event: 'resumed' }, 'Went on after'],
      [{ event: 'token-renewed' }, 'The access was renewed'],
      [{ event: 'answer-lost', cause: 'reset' }, 'its answer was lost Because the connection broke.'],
      [{ event: 'waiting-for-server', cause: 'dns-failed', waitMs: 2_000 }, 'Next try after 2 seconds.'],
      [{ event: 'waiting-for-key', kid: 'k', waitMs: 1_000 }, 'Waited for an encryption key'],
      [{ event: 'history-restored' }, 'restored from a backup'],
      [{ event: 'credentials-restored' }, 'The connections were restored'],
      [{ event: 'reset' }, 'Reset by the people who run this service'],
      [{ event: 'server-resumed' }, 'An admin resumed the server'],
      [{ event: 'progress', progress: 1, message: 'half' }, 'Progress: 1 half'],
      [{ event: 'cancelling' }, 'Cancellation requested'],
      [{ event: 'progress', progress: 2 }, 'Progress: 2, after the cancellation was requested'],
      [{ event: 'constructor' }, 'constructor'],
      [{ event: 'of-a-later-version' }, 'of-a-later-version'],
      [{ event: 'finished', status: 'skipped' }, 'Ended'],
      [{ event: 'finished', status: 'success' }, 'Succeeded'],
    ];
    const timeline = events.map(([entry]) => ({ at, event: '', ...entry }));
    await step('events', { status: 'success', timeline });
    const text = textOf((await browser.open('/step/events')).body).replace(/.*What happened/, '');
    for (const [, words] of events) expect(text).toContain(words);
  });

  test("separates days in the reader's time zone, and collapses a long timeline", async ({
    step,
    browser,
  }) => {
    const timeline = Array.from({ length: 100 }, (_, index) => ({
      at: new Date(Date.UTC(2026, 2, 1, 22, 0, index * 60)).toISOString(),
      event: `event-number-${index}-`,
    }));
    await step('long', { status: 'success', timeline });
    browser.cookies.set('latchkey-time-zone', 'Europe/Berlin');
    const { body } = await browser.open('/step/long');
    expect(body).toContain('2 March 2026');
    expect(textOf(body)).toContain('23:00:00');
    const [before = '', after = ''] = body.split('<details id="timeline-middle"');
    expect(before).toContain('event-number-0-');
    expect(before).not.toContain('event-number-50-');
    expect(after).toContain('event-number-50-');
    expect(body.match(/event-number-\d+-/g)).toHaveLength(100);
  });

  test.for([
    ['tool-error', 'Start a new step', 'mcpServerId'],
    ['unknown-tool', 'Choose another tool', ''],
    ['invalid-arguments', 'Start a new step', ''],
    ['forbidden', 'Start a new step', ''],
    ['server-unavailable', 'Start a new step', ''],
    ['protocol-error', '', ''],
    ['result-too-large', 'Start a new step', ''],
    ['reauth-timed-out', 'Connect', ''],
    ['approval-timed-out', 'Start a new step', ''],
    ['outcome-unknown', 'could happen twice', ''],
    ['misconfigured', 'the people who run this service', ''],
  ] as const)('says what to do after the error %s', async ([code, next], { step, browser }) => {
    const error = { code, message: 'in <our> words', serverMessage: 'in <its> words' };
    await step(`error-${code}`, { status: 'error', error });
    const { body } = await browser.open(`/step/error-${code}`);
    expect(textOf(body)).toContain(next);
    expect(textOf(body)).toContain('The server says: in &lt;its> words');
    if (code !== 'tool-error') expect(textOf(body)).toContain('In &lt;our> words.');
    if (next === 'Start a new step') {
      expect(body).toContain(`href="/mcp/start?again=error-${code}"`);
    }
  });

  test.for<[string, string]>([
    ['alice', 'You decided that it failed'],
    ['<bob>', '<bdi>&lt;bob></bdi> decided that it failed'],
  ])('does not doubt what %s decided', async ([by, words], { step, browser }) => {
    const at = new Date().toISOString();
    const stepId = `decided-${words.length}`;
    await step(stepId, {
      ...{ status: 'error', error: { code: 'outcome-unknown', message: 'it was decided' } },
      timeline: [
        { at, event: 'awaiting-input', reason: 'outcome-unknown' },
        { at, event: 'resolved', action: 'fail', by },
      ],
    });
    const { body } = await browser.open(`/step/${stepId}`);
    expect(body).toContain(words);
    expect(body).not.toContain('not known whether the tool ran');
  });

  test('says "nothing was called" only if no answer was lost', async ({ step, browser }) => {
    const error = { code: 'reauth-timed-out', message: 'not connected' } as const;
    await step('not-called', { status: 'error', error });
    expect((await browser.open('/step/not-called')).body).toContain('Nothing was called.');
    const timeline = [{ at: new Date().toISOString(), event: 'answer-lost' }];
    await step('perhaps-called', { status: 'error', error, timeline });
    const { body } = await browser.open('/step/perhaps-called');
    expect(body).not.toContain('Nothing was called.');
    expect(body).toContain('its answer was lost: look at the server');
  });

  test('shows what is known where no worker answers', async ({ fixture, step, browser }) => {
    await step('no-worker', { status: 'awaiting-input', awaitingInputReason: 'needs-approval' });
    fixture.steps.isAnswered = false;
    const { body } = await browser.open('/step/no-worker');
    fixture.steps.isAnswered = true;
    expect(textOf(body)).toContain('Latchkey can’t show all details at the moment.');
    expect(body).toContain('data-status="awaiting-input"');
  });

  test('of a step whose server was removed, and of another program, is a page', async ({
    fixture,
    step,
    browser,
  }) => {
    await registerServer(fixture, 'gone');
    await step('odd', {
      mcpServerId: 'not-there',
      // The casts: what another version or program may have written.
      mode: 'of-a-later-version' as StepView['mode'],
      status: 'awaiting-input',
      awaitingInputReason: 'of-a-later-version' as 'needs-approval',
      timeline: [{ at: 'never', event: 'started' }],
    });
    const page = await browser.open('/step/odd');
    expect(page.statusCode).toBe(200);
    expect(textOf(page.body)).toContain('of-a-later-version');
  });
});

describe('a result', () => {
  const open = async (browser: BrowserClient, stepId: string) => (await browser.open(`/step/${stepId}`)).body;

  test('is a tree, texts, media and links', async ({ step, browser }) => {
    const content = [
      { type: 'text', text: 'two\n<lines>' },
      { type: 'image', data: 'iVBORw0KGgo=', mimeType: 'image/png' },
      { type: 'audio', data: 'AAAA', mimeType: 'audio/ogg; codecs=opus' },
      { type: 'resource_link', uri: 'https://files.example/a?b=<c>', name: 'A <file>' },
      {
        type: 'resource',
        resource: { uri: 'file:///x', mimeType: 'text/html', text: '<script>alert(1)</script>' },
      },
      { type: 'resource', resource: { uri: 'file:///y', blob: 'AAAA' } },
      { type: 'video', nested: { deep: ['<x>'] } },
      'no block at all',
      null,
    ];
    await step('parts', {
      status: 'success',
      result: { content, structuredContent: { total: 7, lines: [{ id: 'l1' }] }, warnings: ['<odd>'] },
    });
    const body = await open(browser, 'parts');
    const text = textOf(body);
    expect(text).toContain('total 7');
    expect(text).toContain('id l1');
    expect(body).toContain('two\n&lt;lines>');
    expect(body).toContain('<img src="/mcp/step/parts/content/1"');
    expect(body).toContain('<audio src="/mcp/step/parts/content/2"');
    expect(body).toContain(
      '<a href="https://files.example/a?b=%3Cc%3E" rel="noopener noreferrer nofollow" target="_blank">',
    );
    expect(text).toContain('at files.example');
    expect(body).toContain('&lt;script>alert(1)&lt;/script>');
    expect(body).toContain('href="/mcp/step/parts/content/5" download');
    expect(text).toContain('&lt;x>');
    expect(text).toContain('no block at all');
    expect(text).toContain('&lt;odd>');
    expect(body).not.toMatch(/<script(?! src="\/mcp\/assets\/)/);
  });

  test.for([
    'javascript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'http://192.168.0.1/admin',
    'https://user:password@files.example/',
    'file:///etc/passwd',
    'vscode://open',
    ' https:',
    `https://files.example/?${'x'.repeat(2_048)}`,
  ])('never links to %.40s', async (uri, { step, browser }) => {
    const stepId = `link-${Buffer.from(uri).toString('hex').slice(0, 40)}`;
    await step(stepId, {
      status: 'success',
      result: { content: [{ type: 'resource_link', uri, name: 'Click me' }] },
    });
    const body = await open(browser, stepId);
    expect(body).toContain('Click me');
    expect(body).not.toContain('nofollow');
  });

  test('that repeats its structured content as text is shown once', async ({ step, browser }) => {
    const structuredContent = { answer: 'forty-two' };
    const content = [{ type: 'text', text: JSON.stringify(structuredContent, null, 2) }];
    await step('twice', { status: 'success', result: { content, structuredContent } });
    expect((await open(browser, 'twice')).match(/forty-two/g)).toHaveLength(1);
  });

  test.for<[string, () => StepView['result']]>([
    ['a text', () => ({ content: [{ type: 'text', text: '<&"\u20ac'.repeat(262_144) }] })],
    ['100 texts', () => ({ content: Array(100).fill({ type: 'text', text: '<'.repeat(10_486) }) })],
    ['100,000 values', () => ({ content: [], structuredContent: { list: Array(100_000).fill('"') } })],
    ['100,000 members', () => ({ content: [], structuredContent: manyMembers() })],
    ['deep nesting', () => ({ content: [], structuredContent: deep(50_000) })],
    ['wide and deep', () => ({ content: [], structuredContent: wide(6) })],
    ['one long key', () => ({ content: [], structuredContent: { ['&'.repeat(1_048_576)]: 1 } })],
  ])('of 1 MiB makes a small page: %s', async ([name, make], { step, browser }) => {
    const stepId = `large-${name.replaceAll(/[ ,]/g, '-')}`;
    const long = '"'.repeat(2_000);
    const timeline = Array.from({ length: 200 }, () => ({
      at: '2026-01-01T00:00:00Z',
      event: 'progress',
      progress: 1,
      message: long,
    }));
    await step(
      stepId,
      { status: 'success', result: make() as NonNullable<StepView['result']>, timeline },
      { arguments: wide(4) },
    );
    const body = await open(browser, stepId);
    expect(Buffer.byteLength(body)).toBeLessThan(200_000);
    expect(textOf(body)).toMatch(/more|not shown here|too deep|left out/);
  });

  test('that is stored and large is offered for download, and is not read', async ({ step, browser }) => {
    await step('stored', {
      status: 'success',
      result: { content: [], stored: { id: 'x', bytes: 104_857_600 } },
    });
    const body = await open(browser, 'stored');
    expect(textOf(body)).toContain('too large to be shown here: 104.9 MB');
    expect(body).toContain('href="/mcp/step/stored/result" download');
  });

  test('is downloaded whole, as JSON that no browser runs', async ({ step, browser }) => {
    const result = { content: [{ type: 'text', text: '<script>alert(1)</script>' }] };
    await step('download', { status: 'success', result });
    const answer = await browser.open('/step/download/result');
    expect(answer.json()).toEqual(result);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json',
      'x-content-type-options': 'nosniff',
      'content-disposition': 'attachment; filename="step-download.json"',
      'content-security-policy': "sandbox; default-src 'none'; frame-ancestors 'none'",
    });
    await step('without-result');
    expect((await browser.open('/step/without-result/result')).statusCode).toBe(404);
    await step('stored-away', { status: 'success', result: { content: [], stored: { id: 'r', bytes: 9 } } });
    const stored = await browser.open('/step/stored-away/result');
    expect(stored.statusCode).toBe(503);
    expect(stored.body).toContain('The result can’t be read at the moment.');
  });
});

function manyMembers(): Record<string, unknown> {
  return Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`k${index}`, index]));
}

function deep(levels: number): Record<string, unknown> {
  let value: Record<string, unknown> = {};
  for (let level = 0; level < levels; level++) value = { a: value };
  return value;
}

function wide(levels: number): Record<string, unknown> {
  if (levels === 0) return { leaf: 'x'.repeat(10) };
  return Object.fromEntries(Array.from({ length: 7 }, (_, index) => [`m${index}`, wide(levels - 1)]));
}

test('while Temporal is down, the page says so and tries again', async ({ fixture, browser }) => {
  const { show } = fixture.steps;
  fixture.steps.show = async () => {
    throw new TemporalUnavailable({ cause: new Error('secret-host') });
  };
  const page = await browser.open('/step/s1');
  fixture.steps.show = show;
  expect(page.statusCode).toBe(503);
  expect(page.headers['retry-after']).toBe('5');
  expect(textOf(page.body)).toContain('None is lost');
  expect(page.body).toContain('data-refresh-seconds=');
  expect(page.body).not.toContain('secret-host');
});
