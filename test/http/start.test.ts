import { describe, expect } from 'vitest';
import type { CredentialKey } from '../../src/contracts/activities.ts';
import type { ToolDescription } from '../../src/contracts/step.ts';
import { TemporalUnavailable } from '../../src/temporal/temporal-call.ts';
import type { ListUserToolsOutcome } from '../../src/tools/list-user-tools.ts';
import { textOf } from '../support/page-text.ts';
import { NOT_CONNECTED } from '../tools/not-connected.ts';
import { type BrowserClient, createBrowserClient, hiddenFields } from './browser-client.ts';
import { httpTestWith } from './fixtures.ts';
import { createHttpFixture, DEPOSIT, OAUTH_SERVER, PUBLIC_URL, registerServer } from './http-fixture.ts';
import { createMemorySteps } from './memory-steps.ts';

const CREATE_NOTE: ToolDescription = {
  name: 'create_note',
  title: 'Create a note',
  description: 'Writes a note.',
  annotations: { readOnlyHint: false, destructiveHint: true },
  inputSchema: {
    type: 'object',
    properties: {
      title: { type: 'string', maxLength: 20, description: 'What the note is called.' },
      body: { type: 'string' },
      copies: { type: 'integer', minimum: 1, maximum: 5 },
      pinned: { type: 'boolean' },
      colour: { enum: ['red', 'green'] },
    },
    required: ['title'],
  },
};
const HOSTILE_TEXT = `<script>alert(1)</script>"'&\u202e${'x'.repeat(10_000)}`;

function tool(name: string, inputSchema: object, more: Partial<ToolDescription> = {}): ToolDescription {
  return { name, inputSchema: { type: 'object', ...inputSchema }, ...more };
}

const MANY_PROPERTIES = Object.fromEntries(
  Array.from({ length: 10_000 }, (_, n) => [`p${n}`, { type: 'string' }]),
);
const HOSTILE: ToolDescription[] = [
  tool('many', { properties: MANY_PROPERTIES }),
  tool('proto', JSON.parse('{"properties": {"__proto__": {"type": "string"}, "a": {"type": "string"}}}')),
  tool(
    'texts',
    {
      properties: {
        [HOSTILE_TEXT.slice(0, 100)]: {
          type: 'string',
          title: HOSTILE_TEXT,
          description: HOSTILE_TEXT,
          pattern: '^(a+)+$',
        },
        choice: { enum: [HOSTILE_TEXT.slice(0, 200)] },
      },
    },
    { title: HOSTILE_TEXT, description: HOSTILE_TEXT },
  ),
  tool('odd', {
    properties: { a: null, b: 7, c: [], d: { type: { x: 1 } }, e: { enum: 5 }, f: { type: 'string' } },
  }),
  tool('circle', {
    properties: { a: { $ref: '#/$defs/a' }, f: { type: 'string' } },
    $defs: { a: { $ref: '#/$defs/a' } },
  }),
  tool('as a task', {}, { execution: { taskSupport: 'required' } }),
  tool(`control\u0000`, {}),
  tool('x'.repeat(300), {}),
];

const LISTS: Record<string, ListUserToolsOutcome | (() => ListUserToolsOutcome)> = {
  notes: { kind: 'listed', tools: [CREATE_NOTE, tool('nothing', { properties: {} }), tool('free', {})] },
  trusted: { kind: 'listed', tools: [CREATE_NOTE] },
  hostile: { kind: 'listed', tools: HOSTILE },
  large: { kind: 'listed', tools: Array.from({ length: 1_000 }, (_, n) => tool(`tool_${n}_end`, {})) },
  empty: { kind: 'listed', tools: [] },
  away: { kind: 'unavailable', cause: 'connect-refused' },
  scope: { kind: 'insufficient-scope', challengedScopes: ['s'] },
  forbidden: { kind: 'failed', code: 'forbidden', message: 'm', operatorMessage: 'secret-fact' },
  broken: { kind: 'failed', code: 'protocol-error', message: 'm', operatorMessage: 'secret-fact' },
  huge: { kind: 'failed', code: 'result-too-large', message: 'm', operatorMessage: 'secret-fact' },
  keyless: { kind: 'key-missing', kid: 'k9' },
  misset: { kind: 'misconfigured', message: 'the provider has no token endpoint' },
  renewing: { kind: 'token-endpoint-unavailable' },
};

const asked: CredentialKey[] = [];

async function createStartFixture() {
  const memory = createMemorySteps();
  const fixture = await createHttpFixture({
    deps: {
      steps: memory,
      async listTools(key) {
        asked.push(key);
        const known = LISTS[key.mcpServerId];
        if (known === undefined) return NOT_CONNECTED;
        return typeof known === 'function' ? known() : known;
      },
    },
  });
  for (const id of Object.keys(LISTS)) {
    const trustAnnotations = id === 'trusted';
    await registerServer(fixture, id, {
      url: 'https://a.example/mcp',
      auth: { type: 'none' },
      trustAnnotations,
    });
  }
  await registerServer(fixture, 'ledger', { ...OAUTH_SERVER, title: 'Ledger & <Co>' });
  return { ...fixture, steps: memory };
}

const test = httpTestWith(createStartFixture).extend(
  'signedIn',
  ({ fixture }) =>
    async (userId: string, isAdmin = false): Promise<BrowserClient> => {
      const browser = createBrowserClient(fixture.app, PUBLIC_URL);
      const session = await fixture.deps.web.sessions.begin({ userId, isAdmin });
      browser.cookies.set('__Host-latchkey-session', session);
      return browser;
    },
);

const headingOf = (html: string) => textOf(/<h1[^>]*>([\s\S]*?)<\/h1>/.exec(html)?.[1]);
/** What a browser sends of the form, without what only radio buttons and buttons would add. */
const formOf = (html: string): Record<string, string> => {
  const { switchTo: _, ...fields } = hiddenFields(html, '/mcp/start');
  return { ...fields, mode: 'fully-automated' };
};
const CREATE = '/start?server=notes&tool=create_note';

describe('the servers', () => {
  test('are offered with what the user can do there', async ({ signedIn, fixture }) => {
    const user = 'sara';
    await fixture.ask({
      method: 'POST',
      url: '/mcp-oauth-credentials',
      user,
      payload: { ...DEPOSIT, mcpServerId: 'ledger', label: 'sara@work' },
    });
    const { body } = await (await signedIn(user)).open('/start');
    expect(headingOf(body)).toBe('Start a step');
    expect(body).toContain('href="/mcp/start?server=notes"');
    expect(body).toContain('href="/mcp/start?server=ledger"');
    expect(textOf(body)).toContain('Ledger &amp; &lt;Co> sara@work');
    const other = await (await signedIn('other')).open('/start');
    expect(other.body).toContain('href="/mcp/connect/ledger?from=start"');
    expect(other.body).not.toContain('sara@work');
  });

  test('that are paused say so, and steps can be started there', async ({ signedIn, fixture }) => {
    await fixture.deps.servers.setPaused('trusted', true);
    const browser = await signedIn('waiter');
    const list = await browser.open('/start');
    expect(textOf(list.body)).toContain('trusted Needs no connection · paused: steps wait');
    const form = await browser.open('/start?server=trusted&tool=create_note');
    expect(textOf(form.body)).toContain('trusted is paused.');
    const answer = await browser.submit('/start', { ...formOf(form.body), 'arg.title': 'x' });
    expect(answer.statusCode).toBe(303);
    await fixture.deps.servers.setPaused('trusted', false);
  });

  test('are asked for after the sign-in', async ({ fixture }) => {
    const answer = await createBrowserClient(fixture.app, PUBLIC_URL).open(CREATE);
    expect(answer.headers.location).toBe(`${PUBLIC_URL}/sign-in?returnTo=${encodeURIComponent(CREATE)}`);
  });

  test('that are none are added by admins', async () => {
    const fixture = await createHttpFixture();
    const texts = await Promise.all(
      [true, false].map(async (isAdmin) => {
        const browser = createBrowserClient(fixture.app, PUBLIC_URL);
        const session = await fixture.deps.web.sessions.begin({ userId: 'u', isAdmin });
        browser.cookies.set('__Host-latchkey-session', session);
        return (await browser.open('/start')).body;
      }),
    );
    await fixture.close();
    expect(texts[0]).toContain('href="/mcp/servers/new"');
    expect(texts[1]).not.toContain('/servers/new');
    expect(texts[1]).toContain('An admin registers servers');
  });
});

describe('the tools', () => {
  test('of a trusted server say what they do, those of others do not', async ({ signedIn }) => {
    const browser = await signedIn('alice');
    const trusted = await browser.open('/start?server=trusted');
    expect(textOf(trusted.body)).toContain('Create a note May overwrite or delete Writes a note.');
    const notes = await browser.open('/start?server=notes');
    expect(textOf(notes.body)).toContain('Create a note Writes a note.');
  });

  test('are searched, and at most 50 are shown', async ({ signedIn }) => {
    const browser = await signedIn('alice');
    const links = (html: string) => html.match(/tool=tool_\d+_end/g) ?? [];
    const all = await browser.open('/start?server=large');
    expect(links(all.body)).toHaveLength(50);
    expect(textOf(all.body)).toContain('1,000 tools. The first 50 are shown: search to find others.');
    const found = await browser.open('/start?server=large&q=END+_77');
    expect(links(found.body)).toHaveLength(11);
    expect(found.body).toContain('value="END _77"');
    const none = await browser.open('/start?server=large&q=%3Cb%3E');
    expect(textOf(none.body)).toContain('No tool found');
  });

  test.for([
    ['empty', 200, 'Choose a tool', 'offers you no tool'],
    ['ledger', 200, 'Connect first', 'href="/mcp/connect/ledger?from=start"'],
    ['scope', 200, 'More access needed', 'href="/mcp/connect/scope?from=start"'],
    ['away', 503, 'The server does not answer', 'href="/mcp/start?server=away"'],
    ['renewing', 503, 'Your access can’t be renewed now', 'href="/mcp/start?server=renewing"'],
    ['forbidden', 502, 'Not allowed', 'refuses'],
    ['broken', 502, 'The server’s answer can’t be read', 'not with a list'],
    ['huge', 502, 'Too many tools', 'larger'],
    ['keyless', 503, 'A key is missing', 'have to add it'],
    ['misset', 502, 'The server is not set up', 'the provider has no token endpoint'],
    ['nowhere', 404, 'No such server', 'href="/mcp/start"'],
    ['%00', 404, 'No such server', 'href="/mcp/start"'],
  ] as const)('that can’t be listed say why: %s', async ([id, status, heading, remedy], { signedIn }) => {
    const answer = await (await signedIn('alice')).open(`/start?server=${id}`);
    expect(answer.statusCode).toBe(status);
    expect(headingOf(answer.body)).toBe(heading);
    expect(answer.body).toContain(remedy);
    expect(answer.body).not.toContain('secret-fact');
  });

  test('that take long are asked for again by the page itself', async () => {
    const fixture = await createHttpFixture({ deps: { listTools: () => new Promise(() => {}) } });
    await registerServer(fixture, 'notes', { url: 'https://a.example/mcp', auth: { type: 'none' } });
    const browser = createBrowserClient(fixture.app, PUBLIC_URL);
    const session = await fixture.deps.web.sessions.begin({ userId: 'u', isAdmin: false });
    browser.cookies.set('__Host-latchkey-session', session);
    const answer = await browser.open('/start?server=notes');
    await fixture.close();
    expect(answer.headers.refresh).toBe('2');
    expect(headingOf(answer.body)).toBe('Still waiting');
  });

  test('are asked for once by many pages, and apart for each user', async ({ signedIn }) => {
    const browser = await signedIn('cache-a');
    for (const page of ['/start?server=notes', CREATE, CREATE]) await browser.open(page);
    await (await signedIn('cache-b')).open(CREATE);
    const users = asked.filter(({ userId }) => userId.startsWith('cache')).map(({ userId }) => userId);
    expect(users).toEqual(['cache-a', 'cache-b']);
  });
});

describe('the form', () => {
  test('starts a step, once for each time it was shown', async ({ signedIn, fixture }) => {
    const browser = await signedIn('starter');
    const page = await browser.open(CREATE);
    expect(headingOf(page.body)).toBe('Create a note');
    const sent = {
      ...formOf(page.body),
      'arg.title': 'x',
      'arg.copies': '2',
      'arg.pinned': 'true',
      'arg.colour': '"red"',
      title: 'My <note>',
      mode: 'automated-with-confirmation',
    };
    const answers = await Promise.all([browser.submit('/start', sent), browser.submit('/start', sent)]);
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([303, 303]);
    const started = fixture.steps.started.filter(({ userId }) => userId === 'starter');
    expect(started).toEqual([
      {
        userId: 'starter',
        mcpServerId: 'notes',
        tool: 'create_note',
        arguments: { title: 'x', copies: 2, pinned: true, colour: 'red' },
        stepId: expect.any(String),
        title: 'My <note>',
        mode: 'automated-with-confirmation',
      },
    ]);
    const location = `${PUBLIC_URL}/step/${started[0]?.stepId}`;
    expect(answers.map(({ headers }) => headers.location)).toEqual([location, location]);
    await browser.submit('/start', { ...formOf((await browser.open(CREATE)).body), 'arg.title': 'x' });
    expect(fixture.steps.started.filter(({ userId }) => userId === 'starter')).toHaveLength(2);
  });

  test('that has started another step asks before it starts a second', async ({ signedIn, fixture }) => {
    const browser = await signedIn('changer');
    const form = formOf((await browser.open(CREATE)).body);
    await browser.submit('/start', { ...form, 'arg.title': 'one' });
    const again = await browser.submit('/start', { ...form, 'arg.title': 'two' });
    expect(again.statusCode).toBe(409);
    expect(again.body).toContain(`href="/mcp/step/${form.stepId}"`);
    expect(again.body).toContain('value="two"');
    const next = await browser.submit('/start', { ...formOf(again.body), 'arg.title': 'two' });
    expect(next.statusCode).toBe(303);
    expect(fixture.steps.started.filter(({ userId }) => userId === 'changer')).toHaveLength(2);
  });

  test('is shown again with complaints at its fields and all that was entered', async ({
    signedIn,
    fixture,
  }) => {
    const browser = await signedIn('careless');
    const form = formOf((await browser.open(CREATE)).body);
    const answer = await browser.submit('/start', {
      ...form,
      'arg.title': 'x'.repeat(21),
      'arg.body': 'keep\r\nthis',
      'arg.copies': '9',
      title: 'T'.repeat(256),
      mode: 'confirm-destructive',
    });
    expect(answer.statusCode).toBe(400);
    const complaint = (id: string) =>
      textOf(new RegExp(`<p class="complaint" id="${id}-problem">(.*?)</p>`).exec(answer.body)?.[1]);
    expect(complaint('arg.title')).toBe('Must have at most 20 characters.');
    expect(complaint('arg.copies')).toBe('Must be at most 5.');
    expect(complaint('title')).toBe('Must be a text of 1 to 255 characters.');
    expect(answer.body).toContain('href="#arg.copies"');
    expect(answer.body).toMatch(/keep\r?\nthis/);
    expect(answer.body).toMatch(/value="confirm-destructive" checked/);
    expect(formOf(answer.body).stepId).toBe(form.stepId);
    expect(fixture.steps.started.some(({ userId }) => userId === 'careless')).toBe(false);
  });

  test('complains at once of what can not be read and of what the schema refuses', async ({ signedIn }) => {
    const browser = await signedIn('two-complaints');
    const form = formOf((await browser.open(CREATE)).body);
    const fields = { ...form, 'arg.title': 'x'.repeat(21), 'arg.copies': 'many' };
    const { body } = await browser.submit('/start', fields);
    expect(body).toContain('id="arg.title-problem"');
    expect(body).toContain('id="arg.copies-problem"');
    // The keyboard begins at the list of complaints.
    expect(body).toMatch(/<div id="argument-problems"[^>]* tabindex="-1" autofocus/);
  });

  test('refuses numbers that would be rounded, and sends others exactly', async ({ signedIn, fixture }) => {
    const browser = await signedIn('exact');
    const form = formOf((await browser.open('/start?server=notes&tool=free&view=json')).body);
    const refused = await browser.submit('/start', { ...form, arguments: '{"id": 9007199254740993}' });
    expect(refused.statusCode).toBe(400);
    expect(textOf(refused.body)).toContain('would be rounded');
    await browser.submit('/start', { ...form, arguments: '{"id": 9007199254740991, "x": 1e3}' });
    expect(fixture.steps.started.find(({ userId }) => userId === 'exact')?.arguments).toEqual({
      id: 9_007_199_254_740_991,
      x: 1_000,
    });
  });

  test('keeps what was entered when the view is switched', async ({ signedIn, fixture }) => {
    const browser = await signedIn('switcher');
    const form = formOf((await browser.open(CREATE)).body);
    const asJson = await browser.submit('/start', {
      ...form,
      'arg.copies': '3',
      'arg.body': 'b',
      switchTo: 'json',
    });
    expect(asJson.statusCode).toBe(400); // The title is required.
    const complete = await browser.submit('/start', {
      ...form,
      'arg.title': 't',
      'arg.copies': '30',
      switchTo: 'json',
    });
    expect(complete.statusCode).toBe(200);
    expect(complete.body.replaceAll('&quot;', '"')).toContain('"copies": 30');
    const json = { ...formOf(complete.body), arguments: '{"title": "t", "copies": 4}', switchTo: 'form' };
    const asForm = await browser.submit('/start', json);
    expect(asForm.body).toMatch(/<input[^>]*value="4"[^>]*id="arg.copies"/);
    const other = await browser.submit('/start', { ...json, arguments: '{"title": "t", "other": 1}' });
    expect(textOf(other.body)).toContain('no field for other');
    expect(fixture.steps.started.some(({ userId }) => userId === 'switcher')).toBe(false);
  });

  test('is refused from another site, without a session, and beyond 1 MiB', async ({ signedIn, fixture }) => {
    const browser = await signedIn('limits');
    const form = {
      ...formOf((await browser.open('/start?server=notes&tool=free')).body),
      arguments: '{"a":1}',
    };
    const forged = await browser.submit('/start', form, { origin: 'https://evil.example' });
    expect(forged.statusCode).toBe(403);
    const large = { ...form, arguments: JSON.stringify({ a: 'x'.repeat(900_000) }) };
    expect((await browser.submit('/start', large)).statusCode).toBe(303);
    const larger = { ...form, arguments: JSON.stringify({ a: 'x'.repeat(1_100_000) }) };
    expect((await browser.submit('/start', larger)).statusCode).toBe(413);
    const elsewhere = await browser.submit('/sign-out', { ...form, a: 'x'.repeat(20_000) });
    expect(elsewhere.statusCode).toBe(413);
    browser.cookies.delete('__Host-latchkey-session');
    expect((await browser.submit('/start', form)).statusCode).toBe(403);
    expect(fixture.steps.started.filter(({ userId }) => userId === 'limits')).toHaveLength(1);
  });

  test('whose tool can’t be found any more keeps what was entered', async ({ signedIn, fixture }) => {
    const browser = await signedIn('patient');
    const form = formOf((await browser.open(CREATE)).body);
    const sent = { ...form, 'arg.title': 'precious', server: 'away' };
    const answer = await browser.submit('/start', sent);
    expect(answer.statusCode).toBe(503);
    expect(hiddenFields(answer.body, '/mcp/start')).toMatchObject({
      'arg.title': 'precious',
      stepId: form.stepId,
    });
    const gone = await browser.submit('/start', { ...form, 'arg.title': 'x', tool: 'gone' });
    expect(headingOf(gone.body)).toBe('No such tool');
    expect(fixture.steps.started.some(({ userId }) => userId === 'patient')).toBe(false);
  });
});

describe('a step once more', () => {
  const again = test.extend('start', ({ fixture }) => async (stepId: string, step: object) => {
    const payload = { mcpServerId: 'notes', tool: 'create_note', stepId, ...step };
    const answer = await fixture.ask({ method: 'POST', url: '/steps', user: 'again', payload });
    expect(answer.statusCode).toBe(202);
  });
  const ARGUMENTS = { title: 'a "<b>" b', copies: 2, pinned: false, colour: 'red' };

  again('begins with what the step was called with', async ({ signedIn, start, fixture }) => {
    const mode = 'automated-with-confirmation';
    await start('first', { arguments: ARGUMENTS, title: 'My step', mode });
    fixture.steps.change('again', 'first', { mode });
    const browser = await signedIn('again');
    const { body, statusCode } = await browser.open('/start?again=first');
    expect([statusCode, headingOf(body)]).toEqual([200, 'Create a note']);
    expect(body).toContain('href="/mcp/step/first"');
    expect(body).toMatch(
      /id="arg.title"[^>]*value="a &quot;&lt;b>&quot; b"|value="a &quot;&lt;b>&quot; b"[^>]*id="arg.title"/,
    );
    expect(body).toMatch(/<input type="radio" id="mode.automated-with-confirmation"[^>]* checked/);
    const choices = { 'arg.pinned': 'false', 'arg.colour': '"red"', mode };
    const sent = { ...formOf(body), 'arg.title': ARGUMENTS.title, ...choices };
    expect((await browser.submit('/start', sent)).statusCode).toBe(303);
    const [before, after] = fixture.steps.started.filter(({ userId }) => userId === 'again');
    expect(after).toEqual({ ...before, stepId: expect.not.stringMatching(/^first$/) });
  });

  again('shows arguments as JSON that the form has no fields for', async ({ signedIn, start }) => {
    await start('odd', { arguments: { ...ARGUMENTS, other: [1] } });
    const { body } = await (await signedIn('again')).open('/start?again=odd');
    expect(body).toContain('<textarea id="arguments"');
    expect(textOf(body)).toContain('&quot;other&quot;: [');
  });

  again('says why arguments are missing', async ({ signedIn, start }) => {
    await start('large', { arguments: { title: 'x'.repeat(100_001) } });
    const { body } = await (await signedIn('again')).open('/start?again=large');
    expect(textOf(body)).toContain('too large for a form');
    expect(body.length).toBeLessThan(20_000);
  });

  again('leads to the consent and back where the server is not connected', async ({ signedIn, start }) => {
    await start('unconnected', { mcpServerId: 'ledger', arguments: ARGUMENTS });
    const { body } = await (await signedIn('again')).open('/start?again=unconnected');
    expect(headingOf(body)).toBe('Connect first');
    expect(body).toContain('href="/mcp/connect/ledger?step=unconnected&amp;from=again"');
  });

  again("is not for another user's step, nor for one that is not there", async ({ signedIn, start }) => {
    await start('private', { arguments: ARGUMENTS });
    const other = await signedIn('alice');
    for (const stepId of ['private', 'nowhere', '%2e%2e', 'a b']) {
      const answer = await other.open(`/start?again=${stepId}`);
      expect([answer.statusCode, headingOf(answer.body)]).toEqual([404, 'Not found']);
    }
  });
});

test('a step without a title of its own is called as its tool', async ({ signedIn, fixture }) => {
  const browser = await signedIn('untitled');
  await browser.submit('/start', { ...formOf((await browser.open(CREATE)).body), 'arg.title': 'x' });
  const plain = formOf((await browser.open('/start?server=notes&tool=nothing')).body);
  await browser.submit('/start', plain);
  const started = fixture.steps.started.filter(({ userId }) => userId === 'untitled');
  expect(started.map(({ tool, title }) => [tool, title])).toEqual([
    ['create_note', 'Create a note'],
    ['nothing', undefined],
  ]);
  const home = textOf((await browser.open('/')).body);
  expect(home).toContain('Create a note create_note at notes');
});

describe('a hostile server', () => {
  test('can’t break the list of its tools', async ({ signedIn }) => {
    const { body, statusCode } = await (await signedIn('alice')).open('/start?server=hostile');
    expect(statusCode).toBe(200);
    expect(body).not.toContain('<script>');
    expect(textOf(body)).toContain('Can only be called as a task');
    expect(body.match(/Can’t be called/g)).toHaveLength(2);
    expect(body.length).toBeLessThan(20_000);
  });

  test.for(['many', 'proto', 'texts', 'odd', 'circle'])(
    'can’t break a form: %s',
    async (name, { signedIn }) => {
      const { body, statusCode } = await (await signedIn('alice')).open(`/start?server=hostile&tool=${name}`);
      expect(statusCode).toBe(200);
      expect(body).not.toContain('<script>');
      expect(body.length).toBeLessThan(20_000);
      const ids = [...body.matchAll(/\bid="([^"]*)"/g)].map(([, id = '']) => id);
      expect(ids.filter((id) => /\s/.test(id))).toEqual([]);
      expect(new Set(ids).size).toBe(ids.length);
    },
  );

  test('gets the arguments that a person entered', async ({ signedIn, fixture }) => {
    const browser = await signedIn('victim');
    const form = formOf((await browser.open('/start?server=hostile&tool=texts')).body);
    const name = Object.keys(form).find((field) => field.startsWith('arg.%3Cscript')) ?? '';
    expect((await browser.submit('/start', { ...form, [name]: 'aaaa!' })).statusCode).toBe(303);
    expect(fixture.steps.started.find(({ userId }) => userId === 'victim')?.arguments).toEqual({
      [HOSTILE_TEXT.slice(0, 100)]: 'aaaa!',
    });
  });
});

test('a step that can’t be started now keeps the form', async () => {
  const steps = createMemorySteps();
  const fixture = await createHttpFixture({
    deps: {
      steps: { ...steps, start: async () => Promise.reject(new TemporalUnavailable()) },
      listTools: async () => ({ kind: 'listed', tools: [CREATE_NOTE] }),
    },
  });
  await registerServer(fixture, 'notes', { url: 'https://a.example/mcp', auth: { type: 'none' } });
  const browser = createBrowserClient(fixture.app, PUBLIC_URL);
  const session = await fixture.deps.web.sessions.begin({ userId: 'u', isAdmin: false });
  browser.cookies.set('__Host-latchkey-session', session);
  const form = formOf((await browser.open(CREATE)).body);
  const answer = await browser.submit('/start', { ...form, 'arg.title': 'kept' });
  await fixture.close();
  expect(answer.statusCode).toBe(503);
  expect(answer.body).toContain('value="kept"');
  expect(formOf(answer.body).stepId).toBe(form.stepId);
});
