import { describe, expect } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import { createBrowserClient, hiddenFields } from './browser-client.ts';
import { httpTestWith } from './fixtures.ts';
import { createHttpFixture, PUBLIC_URL, registerServer } from './http-fixture.ts';

const ARGS = { path: '/tmp/x', dryRun: true };
const SHOWN = { type: 'object', properties: { path: { type: 'string' } } };
/** The tool's schema at each server: a form of the first one is sent to the others, as if its tool had changed. */
const SCHEMAS: Record<string, object> = {
  first: SHOWN,
  'more-fields': { ...SHOWN, properties: { ...SHOWN.properties, dryRun: { type: 'boolean' } } },
  'no-fields': { ...SHOWN, anyOf: [{}, {}] },
};
const CHANGED = ['more-fields', 'no-fields'];
const APPROVAL: Partial<StepView> = {
  status: 'awaiting-input',
  awaitingInputReason: 'needs-approval',
  pending: { arguments: ARGS },
};

async function createFixture() {
  const fixture = await createHttpFixture({
    deps: {
      listTools: async ({ mcpServerId }) => ({
        kind: 'listed',
        tools: [{ name: 'remove', inputSchema: { type: 'object', ...SCHEMAS[mcpServerId] } }],
      }),
    },
  });
  for (const id of Object.keys(SCHEMAS))
    await registerServer(fixture, id, { url: 'https://a.example/mcp', auth: { type: 'none' } });
  return fixture;
}

const test = httpTestWith(createFixture)
  .extend('browser', async ({ fixture }) => {
    const browser = createBrowserClient(fixture.app, PUBLIC_URL);
    const session = await fixture.deps.web.sessions.begin({ userId: 'alice', isAdmin: false });
    browser.cookies.set('__Host-latchkey-session', session);
    return browser;
  })
  .extend('step', ({ fixture }) => async (stepId: string, change: Partial<StepView>): Promise<void> => {
    const payload = { mcpServerId: 'first', tool: 'remove', arguments: ARGS, stepId };
    await fixture.ask({ method: 'POST', url: '/steps', payload });
    fixture.steps.change('alice', stepId, change);
  });

test.beforeEach(({ fixture }) => {
  fixture.steps.decided.length = 0;
  fixture.steps.started.length = 0;
});

describe('a form of an approval', () => {
  test.for(CHANGED)('is shown again where the tool changed: %s', async (to, { fixture, browser, step }) => {
    await step(`to-${to}`, APPROVAL);
    const sent = hiddenFields((await browser.open(`/step/to-${to}`)).body, `/mcp/step/to-${to}/approve`);
    expect(sent['arg.path']).toBe('/tmp/x');
    fixture.steps.change('alice', `to-${to}`, { mcpServerId: to });
    const answer = await browser.submit(`/step/to-${to}/approve`, sent);
    expect(answer.statusCode).toBe(409);
    expect(answer.body).toContain('Nothing was decided.');
    expect(answer.body).toContain('dryRun');
    expect(fixture.steps.decided).toEqual([]);
    const { mark: _, ...unmarked } = sent;
    expect((await browser.submit(`/step/to-${to}/approve`, unmarked)).statusCode).toBe(409);
    expect(fixture.steps.decided).toEqual([]);
  });

  test('is shown again where the step asks about other arguments', async ({ fixture, browser, step }) => {
    await step('other', APPROVAL);
    const sent = hiddenFields((await browser.open('/step/other')).body, '/mcp/step/other/approve');
    fixture.steps.change('alice', 'other', { pending: { arguments: { ...ARGS, dryRun: false } } });
    expect((await browser.submit('/step/other/approve', sent)).statusCode).toBe(409);
    expect(fixture.steps.decided).toEqual([]);
  });

  test('is approved unchanged where the tool never had fields', async ({ fixture, browser, step }) => {
    await step('plain', { ...APPROVAL, mcpServerId: 'no-fields' });
    const { body } = await browser.open('/step/plain');
    expect(body).not.toContain('Edit as a form');
    const sent = hiddenFields(body, '/mcp/step/plain/approve');
    expect((await browser.submit('/step/plain/approve', sent)).statusCode).toBe(400);
    const complete = { ...sent, arguments: JSON.stringify(ARGS, null, 2) };
    expect((await browser.submit('/step/plain/approve', complete)).statusCode).toBe(303);
    expect(fixture.steps.decided.map(({ args }) => args[2])).toEqual([{ pause: '' }]);
  });
});

describe('a form that starts a step', () => {
  test.for(CHANGED)('is shown again where the tool changed: %s', async (to, { fixture, browser }) => {
    const { body } = await browser.open('/start?server=first&tool=remove');
    const { switchTo: _, ...fields } = hiddenFields(body, '/mcp/start');
    const sent: Record<string, string> = {
      ...fields,
      server: to,
      mode: 'fully-automated',
      'arg.path': '/tmp/entered',
    };
    const answer = await browser.submit('/start', sent);
    expect(answer.statusCode).toBe(409);
    expect(answer.body).toContain('Nothing was started.');
    expect(answer.body).toContain('/tmp/entered');
    expect(fixture.steps.started).toEqual([]);
    const { mark: __, ...unmarked } = sent;
    expect((await browser.submit('/start', unmarked)).statusCode).toBe(409);
    expect(fixture.steps.started).toEqual([]);
  });
});

describe('a decision', () => {
  const paused = (at: string) => ({ at, event: 'awaiting-input', reason: 'outcome-unknown' });
  const first = '2026-01-01T00:00:00.000Z';
  const SECOND = [
    paused(first),
    { at: '2026-01-01T00:01:00.000Z', event: 'resolved', action: 'retry', by: 'bob' },
    paused('2026-01-01T00:02:00.000Z'),
  ];

  test.for([
    ['resolve', 'outcome-unknown'],
    ['approve', 'needs-approval'],
    ['reject', 'needs-approval'],
  ] as const)(
    'names the pause that its form was shown for, and no pause where the form names none: %s',
    async ([what, awaitingInputReason], { fixture, browser, step }) => {
      const stepId = `asked-twice-${what}`;
      await step(stepId, { ...APPROVAL, awaitingInputReason, timeline: [paused(first)] });
      const url = `/step/${stepId}/${what}`;
      const sent = hiddenFields((await browser.open(`/step/${stepId}`)).body, `/mcp${url}`);
      if (what === 'approve') sent.arguments = JSON.stringify(ARGS);
      fixture.steps.change('alice', stepId, { timeline: SECOND });
      await browser.submit(url, sent);
      const { pause: _, ...unnamed } = sent;
      await browser.submit(url, unnamed);
      expect(fixture.steps.decided.map(({ args }) => args[2])).toMatchObject([
        { pause: first },
        { pause: '' },
      ]);
    },
  );
});
