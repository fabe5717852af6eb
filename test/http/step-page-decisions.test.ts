import { describe, expect } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import type { DecisionOutcome } from '../../src/steps/send-decision.ts';
import { TemporalUnavailable } from '../../src/temporal/temporal-call.ts';
import { type BrowserClient, createBrowserClient, hiddenFields } from './browser-client.ts';
import { httpTestWith } from './fixtures.ts';
import {
  createHttpFixture,
  type HttpFixture,
  OAUTH_SERVER,
  PUBLIC_URL,
  registerServer,
} from './http-fixture.ts';

const INVOICE = { customer: 'ACME', amount: 42 };
const SCHEMA = {
  type: 'object',
  properties: { customer: { type: 'string', minLength: 1 }, amount: { type: 'number', minimum: 1 } },
  required: ['customer', 'amount'],
};
/** The name of the pause that every step here is in. */
const pause = '2026-01-01T00:00:00.000Z';
const PAUSED = {
  status: 'awaiting-input',
  timeline: [{ at: pause, event: 'awaiting-input' }],
} satisfies Partial<StepView>;
const APPROVAL: Partial<StepView> = {
  ...PAUSED,
  awaitingInputReason: 'needs-approval',
  pending: { arguments: INVOICE },
};
const LOST: Partial<StepView> = { ...PAUSED, awaitingInputReason: 'outcome-unknown' };

async function createLedgerFixture() {
  const fixture = await createHttpFixture({
    deps: {
      listTools: async ({ mcpServerId }) =>
        mcpServerId === 'away'
          ? { kind: 'unavailable', cause: 'connect-refused' }
          : { kind: 'listed', tools: [{ name: 'create_invoice', inputSchema: SCHEMA }] },
    },
  });
  await registerServer(fixture, 'ledger', OAUTH_SERVER);
  await registerServer(fixture, 'away', OAUTH_SERVER);
  return fixture;
}

const test = httpTestWith(createLedgerFixture)
  .extend('browser', ({ fixture }) => signedIn(fixture, 'alice'))
  .extend(
    'step',
    ({ fixture }) =>
      async (stepId: string, change: Partial<StepView>, input: object = {}): Promise<void> => {
        const payload = {
          ...{ mcpServerId: 'ledger', tool: 'create_invoice', arguments: INVOICE, stepId },
          ...input,
        };
        await fixture.ask({ method: 'POST', url: '/steps', payload });
        fixture.steps.change('alice', stepId, change);
      },
  );

test.beforeEach(({ fixture }) => {
  fixture.steps.decided.length = 0;
  fixture.steps.decisionOutcome = undefined;
});

async function signedIn(fixture: HttpFixture, userId: string): Promise<BrowserClient> {
  const browser = createBrowserClient(fixture.app, PUBLIC_URL);
  const session = await fixture.deps.web.sessions.begin({ userId, isAdmin: false });
  browser.cookies.set('__Host-latchkey-session', session);
  return browser;
}

const page = (stepId: string, said = '') => `${PUBLIC_URL}/step/${stepId}${said && `?said=${said}`}`;

describe('approving', () => {
  test('with unchanged arguments is no edit', async ({ fixture, step, browser }) => {
    await step('unchanged', APPROVAL);
    const answer = await browser.fillIn('/step/unchanged', '/step/unchanged/approve');
    expect(answer.statusCode).toBe(303);
    expect(answer.headers.location).toBe(page('unchanged', 'approved'));
    expect(fixture.steps.decided).toEqual([
      { what: 'approve', args: ['alice', 'unchanged', { pause }, 'alice'] },
    ]);
  });

  test('with changed arguments sends them', async ({ fixture, step, browser }) => {
    await step('changed', APPROVAL);
    const fields = { 'arg.amount': '41.5' };
    const answer = await browser.fillIn('/step/changed', '/step/changed/approve', fields);
    expect(answer.statusCode).toBe(303);
    const edit = { pause, arguments: { customer: 'ACME', amount: 41.5 } };
    expect(fixture.steps.decided).toEqual([{ what: 'approve', args: ['alice', 'changed', edit, 'alice'] }]);
  });

  test('shows what the schema refuses at its field, with what was entered', async ({
    fixture,
    step,
    browser,
  }) => {
    await step('refused', APPROVAL);
    const fields = { 'arg.amount': '-1', 'arg.customer': '<b>' };
    const answer = await browser.fillIn('/step/refused', '/step/refused/approve', fields);
    expect(answer.statusCode).toBe(400);
    expect(answer.body).toContain('id="arg.amount-problem"');
    expect(answer.body).toMatch(/<input[^>]*value="-1"[^>]*aria-invalid="true"/);
    expect(answer.body).toContain('value="&lt;b>"');
    expect(fixture.steps.decided).toEqual([]);
  });

  test('says at once what can not be read and what the schema refuses', async ({ step, browser }) => {
    await step('twice-refused', APPROVAL);
    const fields = { 'arg.amount': 'much', 'arg.customer': '' };
    const { body } = await browser.fillIn('/step/twice-refused', '/step/twice-refused/approve', fields);
    expect(body).toContain('id="arg.amount-problem"');
    expect(body).toContain('id="arg.customer-problem"');
  });

  test('works with raw JSON beside the form', async ({ fixture, step, browser }) => {
    await step('json', APPROVAL);
    const shown = await browser.open('/step/json?view=json');
    expect(shown.body).toContain('<textarea id="arguments"');
    expect(shown.body).toContain('name="switchTo" value="form"');
    const edited = JSON.stringify({ ...INVOICE, amount: 7 });
    await browser.fillIn('/step/json?view=json', '/step/json/approve', { arguments: edited });
    expect(fixture.steps.decided.map(({ args }) => args[2])).toEqual([
      { pause, arguments: { ...INVOICE, amount: 7 } },
    ]);

    const broken = await browser.fillIn('/step/json?view=json', '/step/json/approve', { arguments: '{"a":' });
    expect(broken.statusCode).toBe(400);
    expect(broken.body).toContain('{&quot;a&quot;:');
  });

  test('keeps what was entered when the view is switched, and decides nothing', async ({
    fixture,
    step,
    browser,
  }) => {
    await step('switched', APPROVAL);
    const approve = '/step/switched/approve';
    const entered = { 'arg.customer': 'Half done', switchTo: 'json' };
    const json = await browser.fillIn('/step/switched', approve, entered);
    expect(json.statusCode).toBe(200);
    expect(json.body).toContain('&quot;customer&quot;: &quot;Half done&quot;');

    const edited = { arguments: JSON.stringify({ ...INVOICE, customer: 'Again' }), switchTo: 'form' };
    const form = await browser.submit(approve, { ...hiddenFields(json.body, `/mcp${approve}`), ...edited });
    expect(form.statusCode).toBe(200);
    expect(form.body).toContain('value="Again"');

    const more = { arguments: JSON.stringify({ ...INVOICE, unknown: 1 }), switchTo: 'form' };
    const stays = await browser.fillIn('/step/switched?view=json', approve, more);
    expect(stays.body).toContain('no field for unknown');
    expect(stays.body).toContain('<textarea id="arguments"');
    expect(fixture.steps.decided).toEqual([]);

    // What is sent after a switch is what the other view shows.
    const fields = { ...hiddenFields(form.body, `/mcp${approve}`) };
    expect((await browser.submit(approve, fields)).statusCode).toBe(303);
    expect(fixture.steps.decided.map(({ args }) => args[2])).toEqual([
      { pause, arguments: { ...INVOICE, customer: 'Again' } },
    ]);
  });

  test('works where the schema can not be read, and says that edits are not checked', async ({
    fixture,
    step,
    browser,
  }) => {
    await step('blind', { ...APPROVAL, mcpServerId: 'away' });
    const shown = await browser.open('/step/blind');
    expect(shown.body).toContain('changed arguments can’t be checked now');
    expect(shown.body).toContain('<textarea id="arguments"');
    const json = JSON.stringify(INVOICE, null, 4);
    const answer = await browser.fillIn('/step/blind', '/step/blind/approve', { arguments: json });
    expect(answer.statusCode).toBe(303);
    expect(fixture.steps.decided).toEqual([
      { what: 'approve', args: ['alice', 'blind', { pause }, 'alice'] },
    ]);
  });

  test('does not take fields for arguments once their schema can not be read', async ({
    fixture,
    step,
    browser,
  }) => {
    await step('went-away', APPROVAL);
    const form = await browser.open('/step/went-away');
    expect(form.body).toContain('name="arg.amount"');
    fixture.steps.change('alice', 'went-away', { mcpServerId: 'away' });
    const csrf = /name="csrf" value="([^"]*)"/.exec(form.body)?.[1] ?? '';
    const fields = { csrf, view: 'form', 'arg.amount': '1', 'arg.customer': 'x' };
    const answer = await browser.submit('/step/went-away/approve', fields);
    expect(answer.statusCode).toBe(503);
    expect(answer.body).toContain('Nothing was decided.');
    expect(fixture.steps.decided).toEqual([]);
  });

  test('says that nothing was approved where the arguments can not be read any more', async ({
    fixture,
    step,
    browser,
  }) => {
    await step('unreadable', APPROVAL);
    const form = await browser.open('/step/unreadable');
    const { show } = fixture.steps;
    fixture.steps.show = async (key) => {
      const shown = await show(key);
      if (shown === undefined) return undefined;
      const { pending: _, ...step } = shown.step;
      return { step, isAnswered: false };
    };
    const csrf = /name="csrf" value="([^"]*)"/.exec(form.body)?.[1] ?? '';
    const fields = { csrf, view: 'form', 'arg.amount': '1', 'arg.customer': 'x' };
    const answer = await browser.submit('/step/unreadable/approve', fields);
    fixture.steps.show = show;
    expect(answer.statusCode).toBe(503);
    expect(answer.body).toContain('so nothing was approved');
    expect(fixture.steps.decided).toEqual([]);
  });

  test('of arguments that are too large for a form sends no edit', async ({ fixture, step, browser }) => {
    const args = { customer: 'x'.repeat(100_000) };
    await step('too-large', { ...APPROVAL, pending: { arguments: args } });
    const shown = await browser.open('/step/too-large');
    expect(shown.body).not.toContain('<textarea id="arguments"');
    expect(shown.body.length).toBeLessThan(100_000);
    await browser.fillIn('/step/too-large', '/step/too-large/approve');
    expect(fixture.steps.decided).toEqual([
      { what: 'approve', args: ['alice', 'too-large', { pause }, 'alice'] },
    ]);
  });

  test.for<[DecisionOutcome, number, string]>([
    [{ kind: 'invalid', message: '/amount: must be <odd>' }, 400, 'must be &lt;odd>'],
    [{ kind: 'unchecked', message: 'the schema is away' }, 503, 'the schema is away'],
    [{ kind: 'too-many', message: 'too many', retryAfterMs: 1 }, 429, 'Wait a minute'],
  ])(
    'keeps what was entered where the worker refuses it: %j',
    async ([outcome, status, words], { fixture, step, browser }) => {
      await step('kept', APPROVAL);
      fixture.steps.decisionOutcome = outcome;
      const answer = await browser.fillIn('/step/kept', '/step/kept/approve', { 'arg.amount': '40' });
      expect(answer.statusCode).toBe(status);
      expect(answer.body).toContain(words);
      expect(answer.body).toContain('value="40"');
    },
  );
});

describe('rejecting', () => {
  test.for([
    ['', { pause }],
    ['not today ', { pause, reason: 'not today' }],
  ] as const)('with the reason %j', async ([reason, message], { fixture, step, browser }) => {
    await step('rejected', APPROVAL);
    const answer = await browser.fillIn('/step/rejected', '/step/rejected/reject', { reason });
    expect(answer.headers.location).toBe(page('rejected', 'rejected'));
    expect(fixture.steps.decided).toEqual([
      { what: 'reject', args: ['alice', 'rejected', message, 'alice'] },
    ]);
  });

  test('with too long a reason shows it again', async ({ fixture, step, browser }) => {
    await step('long-reason', APPROVAL);
    const reason = '🙂'.repeat(1_025);
    const answer = await browser.fillIn('/step/long-reason', '/step/long-reason/reject', { reason });
    expect(answer.statusCode).toBe(400);
    expect(answer.body).toContain(reason);
    expect(answer.body).toContain('at most 2048 characters');
    expect(fixture.steps.decided).toEqual([]);
  });
});

describe('resolving', () => {
  test.for([
    ['retry', undefined, { pause, action: 'retry' }],
    ['fail', undefined, { pause, action: 'fail' }],
    ['succeed', '', { pause, action: 'succeed' }],
    [
      'succeed',
      'I saw\r\nit',
      { pause, action: 'succeed', result: { content: [{ type: 'text', text: 'I saw\nit' }] } },
    ],
  ] as const)('by %s with the result %j', async ([action, text, message], { fixture, step, browser }) => {
    await step('lost', LOST);
    const fields = { action, ...(text !== undefined && { text }) };
    const answer = await browser.fillIn('/step/lost', '/step/lost/resolve', fields);
    expect(answer.headers.location).toBe(page('lost', 'resolved'));
    expect(fixture.steps.decided).toEqual([{ what: 'resolve', args: ['alice', 'lost', message, 'alice'] }]);
  });
});

describe('cancelling', () => {
  test('takes one press on the page of the step', async ({ fixture, step, browser }) => {
    await step('cancelled', {});
    expect((await browser.open('/step/cancelled')).body).toContain('what it did is not undone');
    const answer = await browser.fillIn('/step/cancelled', '/step/cancelled/cancel');
    expect(answer.headers.location).toBe(page('cancelled', 'cancelling'));
    expect((await fixture.steps.get({ userId: 'alice', stepId: 'cancelled' }))?.status).toBe('cancelled');
    expect((await browser.open('/step/cancelled/cancel')).headers.location).toBe(page('cancelled'));
  });
});

describe('every decision', () => {
  const FORMS: [string, Record<string, string>, Partial<StepView>][] = [
    ['approve', {}, APPROVAL],
    ['reject', {}, APPROVAL],
    ['resolve', { action: 'retry' }, LOST],
  ];

  test.for(FORMS)(
    'that came too late leads back to the page: %s',
    async ([what, fields, waiting], { fixture, step, browser }) => {
      await step(`late-${what}`, waiting);
      fixture.steps.decisionOutcome = { kind: 'not-waiting', message: 'no' };
      const answer = await browser.fillIn(`/step/late-${what}`, `/step/late-${what}/${what}`, fields);
      expect(answer.headers.location).toBe(page(`late-${what}`, 'late'));
    },
  );

  test.for(FORMS)(
    'without a worker leads back to the page: %s',
    async ([what, fields, waiting], { fixture, step, browser }) => {
      await step(`unanswered-${what}`, waiting);
      fixture.steps.decisionOutcome = { kind: 'no-worker' };
      const answer = await browser.fillIn(
        `/step/unanswered-${what}`,
        `/step/unanswered-${what}/${what}`,
        fields,
      );
      expect(answer.headers.location).toBe(page(`unanswered-${what}`, 'unanswered'));
      const shown = await browser.open(`/step/unanswered-${what}?said=unanswered`);
      expect(shown.body).toContain('may still be applied');
    },
  );

  test.for([...FORMS, ['cancel', {}, {}] as const])(
    "needs the user's own form and step: %s",
    async ([what, fields, waiting], { fixture, step, browser }) => {
      await step(`mine-${what}`, waiting);
      const url = `/step/mine-${what}/${what}`;
      const { body } = await browser.open(`/step/mine-${what}`);
      const csrf = /name="csrf" value="([^"]*)"/.exec(body)?.[1] ?? '';
      expect((await browser.submit(url, fields)).statusCode).toBe(403);
      const evil = await browser.submit(url, { ...fields, csrf }, { origin: 'https://evil.example' });
      expect(evil.statusCode).toBe(403);
      const bob = await signedIn(fixture, 'bob');
      await step('other', {});
      const own = /name="csrf" value="([^"]*)"/.exec((await bob.open('/connections')).body)?.[1] ?? '';
      expect((await bob.submit(url, { ...fields, csrf: own })).statusCode).toBe(404);
      const nobody = createBrowserClient(fixture.app, PUBLIC_URL);
      expect((await nobody.submit(url, { ...fields, csrf })).statusCode).toBe(403);
      expect(fixture.steps.decided).toEqual([]);
      expect((await fixture.steps.get({ userId: 'alice', stepId: `mine-${what}` }))?.status).not.toBe(
        'cancelled',
      );
    },
  );

  test.for(['/result', '/content/0'])(
    'is not what is asked for by %s, which says the same while Temporal is away',
    async (path, { fixture, step, browser }) => {
      await step('away', {});
      const { get, show } = fixture.steps;
      fixture.steps.get = fixture.steps.show = async () => {
        throw new TemporalUnavailable();
      };
      const answer = await browser.open(`/step/away${path}`);
      Object.assign(fixture.steps, { get, show });
      expect(answer.statusCode).toBe(503);
      expect(answer.body).toContain('Steps can’t be read at the moment');
      expect(answer.body).toContain('href="/mcp/step/away"');
    },
  );

  test('that may have arrived while Temporal went away says so', async ({ fixture, step, browser }) => {
    await step('went', LOST);
    const { resolve } = fixture.steps;
    fixture.steps.resolve = async () => {
      throw new TemporalUnavailable();
    };
    const answer = await browser.fillIn('/step/went', '/step/went/resolve', { action: 'retry' });
    fixture.steps.resolve = resolve;
    expect(answer.statusCode).toBe(503);
    expect(answer.body).toContain('not known whether your decision arrived');
  });
});

test('what was entered while Temporal is away can be sent again', async ({ fixture, step, browser }) => {
  await step('kept-away', APPROVAL);
  const { approve } = fixture.steps;
  fixture.steps.approve = async () => {
    throw new TemporalUnavailable();
  };
  const edit = { 'arg.amount': '41.5', 'arg.customer': '<&"' };
  const away = await browser.fillIn('/step/kept-away', '/step/kept-away/approve', edit);
  fixture.steps.approve = approve;
  expect(away.statusCode).toBe(503);
  expect(away.body).not.toContain('http-equiv="refresh"');
  expect(away.body).toContain('value="&lt;&amp;&quot;"');
  const again = { ...hiddenFields(away.body, '/mcp/step/kept-away/approve'), 'arg.customer': 'ACME' };
  expect((await browser.submit('/step/kept-away/approve', again)).statusCode).toBe(303);
  expect(fixture.steps.decided.map(({ args }) => args[2])).toEqual([
    { pause, arguments: { customer: 'ACME', amount: 41.5 } },
  ]);
});

describe('the notice after a form', () => {
  const at = new Date().toISOString();
  const TIMED_OUT = { code: 'approval-timed-out', message: 'not approved in time' } as const;

  test.for<[string, Partial<StepView>, string]>([
    ['approved', { timeline: [{ at, event: 'approved' }] }, 'Approved. The step goes on.'],
    ['rejected', { status: 'skipped', timeline: [{ at, event: 'rejected' }] }, 'The tool was not called.'],
    ['resolved', { timeline: [{ at, event: 'resolved' }] }, 'Your decision was taken.'],
    ['cancelling', { status: 'cancelled' }, 'The step was told to stop.'],
    [
      'late',
      { timeline: [{ at, event: 'approved', by: '<bob>' }] },
      'This was approved by <bdi>&lt;bob></bdi>',
    ],
    [
      'late',
      { timeline: [{ at, event: 'resolved', by: 'alice', action: 'fail' }] },
      'decided that it failed by you',
    ],
    [
      'late',
      { status: 'success', timeline: [] },
      'The step had already succeeded. Your decision came too late',
    ],
    ['late', { status: 'running', timeline: [] }, 'your decision was not needed'],
    ['late', { status: 'error', error: TIMED_OUT, timeline: [] }, 'The time to decide had run out'],
    [
      'late',
      {
        ...{ status: 'error', error: { code: 'outcome-unknown', message: '' } },
        timeline: [
          { at, event: 'awaiting-input', reason: 'needs-approval' },
          { at, event: 'approved', by: 'bob' },
          { at, event: 'awaiting-input', reason: 'outcome-unknown' },
        ],
      },
      'The time to decide had run out, so the step had already ended.',
    ],
    [
      'late',
      {
        ...{ status: 'awaiting-input', awaitingInputReason: 'outcome-unknown' },
        timeline: [
          { at, event: 'awaiting-input', reason: 'needs-approval' },
          { at, event: 'approved', by: 'bob' },
          { at, event: 'awaiting-input', reason: 'outcome-unknown' },
        ],
      },
      'This was approved by <bdi>bob</bdi>',
    ],
    [
      'cancelling',
      { status: 'skipped', timeline: [{ at, event: 'rejected', by: 'bob' }] },
      'This was rejected by <bdi>bob</bdi>',
    ],
    [
      'cancelling',
      { status: 'success', timeline: [{ at, event: 'approved', by: 'bob' }] },
      'The step had already succeeded. There was nothing left to cancel.',
    ],
    ['cancelling', { status: 'error', timeline: [] }, 'The step had already failed.'],
  ])('says what happened: %s', async ([said, change, words], { step, browser }) => {
    const stepId = `said-${said}-${words.length}-${change.status}`;
    await step(stepId, change);
    expect((await browser.open(`/step/${stepId}?said=${said}`)).body).toContain(words);
  });

  test.for(['approved', 'rejected', 'resolved', 'cancelling', 'unanswered', '<script>', 'constructor'])(
    'is not shown where the step knows nothing of it: %s',
    async (said, { step, browser }) => {
      await step('knows-nothing', {});
      const { body } = await browser.open(`/step/knows-nothing?said=${encodeURIComponent(said)}`);
      expect(body).not.toContain('class="notice');
    },
  );
});
