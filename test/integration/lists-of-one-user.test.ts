import { createHash, randomUUID } from 'node:crypto';
import { Client } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { stepSearchAttributes } from '../../src/contracts/search-attributes.ts';
import { MEMO_KEY, STATE_MEMO } from '../../src/contracts/step-memo.ts';
import { stepWorkflowId, stepWorkflowIds } from '../../src/contracts/step-workflow-id.ts';
import { executionsOfUser } from '../../src/operations/executions-of-user.ts';
import { forgetUser } from '../../src/operations/forget-user.ts';
import { startTestApi, type TestApi } from '../support/api.ts';
import { createTestNamespace, uniqueTaskQueue } from '../support/temporal.ts';
import { createWorld, type World } from '../support/world.ts';

// The dev server's visibility store is SQLite, which compares without case.
const WAIT = { timeout: 30_000 };

let world: World;
let api: TestApi;

beforeAll(async () => {
  world = await createWorld({ namespace: await createTestNamespace() });
  api = await startTestApi(world);
});

afterAll(async () => {
  await api.stop();
  await world.stop();
});

type Page = { steps: { stepId: string }[]; nextCursor?: string };

const list = (user: string, query = '') => api.ask(user, `GET /steps?limit=100${query}`);

async function stepIds(user: string, query = ''): Promise<string[]> {
  const { body } = await list(user, query);
  return (body as Page).steps.map(({ stepId }) => stepId).sort();
}

async function expectListed(user: string, expected: string[], query = ''): Promise<void> {
  await vi.waitFor(async () => expect(await stepIds(user, query)).toStrictEqual([...expected].sort()), WAIT);
}

/** Steps that wait for their user. */
async function startAll(user: string, ids: string[]): Promise<void> {
  for (const stepId of ids) await world.steps.start(user, { stepId, mode: 'automated-with-confirmation' });
  for (const stepId of ids) await world.steps.until(user, stepId, 'awaiting-input');
}

/** Users that a store may take for one another: by case, accents and their encoding, and wildcards. */
function lookalikes(): string[] {
  const id = randomUUID().slice(0, 8);
  return [
    `case_user-${id}`,
    `Case_User-${id}`,
    `CASE_USER-${id}`,
    `caseXuser-${id}`,
    `case%user-${id}`,
    `cas\u00e9_user-${id}`,
    `case\u0301_user-${id}`,
    `case_user-${id} `,
    `case_user-${id}!`,
  ];
}

describe('users whose ids a visibility store may take for one another', () => {
  test('are listed, shown, and cancelled their own steps alone', async () => {
    const users = lookalikes();
    for (const [index, user] of users.entries()) await startAll(user, [`s${index}`]);

    for (const [index, user] of users.entries()) {
      await expectListed(user, [`s${index}`]);
      await expectListed(user, [`s${index}`], '&status=awaiting-input');
      const open = await executionsOfUser(world.temporal.client, user, 'open');
      expect(open.map(({ workflowId }) => workflowId)).toStrictEqual([stepWorkflowId(user, `s${index}`)]);
    }
    const [one = '', other = ''] = users;
    for (const request of ['GET /steps/s1', 'DELETE /steps/s1']) {
      expect(await api.ask(one, request)).toMatchObject({ status: 404, body: { code: 'unknown-step' } });
    }
    for (const decision of ['approve', 'reject']) {
      expect(await api.ask(one, `POST /steps/s1/${decision}`, {})).toMatchObject({ status: 404 });
    }
    expect(await world.steps.get(other, 's1')).toMatchObject({ status: 'awaiting-input' });
  });

  test('get full pages although most of the steps found are of other users', async () => {
    const [user = '', other = ''] = lookalikes();
    await startAll(user, ['a', 'b', 'c']);
    await startAll(other, ['d', 'e', 'f', 'g']);
    await expectListed(user, ['a', 'b', 'c']);
    await expectListed(other, ['d', 'e', 'f', 'g']);

    const found: string[][] = [];
    let cursor = '';
    do {
      const { body } = await api.ask(user, `GET /steps?limit=2${cursor}`);
      const { steps, nextCursor } = body as Page;
      found.push(steps.map(({ stepId }) => stepId));
      cursor = nextCursor === undefined ? '' : `&cursor=${nextCursor}`;
    } while (cursor !== '');

    expect(found.flat().sort()).toStrictEqual(['a', 'b', 'c']);
    expect(found[0]).toHaveLength(2);
  });

  test('are forgotten separately', async () => {
    const [user = '', other = ''] = lookalikes();
    await startAll(user, ['mine']);
    await startAll(other, ['other']);
    await expectListed(user, ['mine']);
    await expectListed(other, ['other']);

    const forgotten = await forgetUser(world.services, user, { waitMs: 30_000, deleteHistory: true });

    expect(forgotten).toMatchObject({ steps: { cancelled: 1, stillOpen: 0 } });
    expect(await world.steps.get(other, 'other')).toMatchObject({ status: 'awaiting-input' });
    expect(await executionsOfUser(world.temporal.client, other, 'open')).toHaveLength(1);
  });

  test('count the steps that wait for a deposit for themselves', async () => {
    const [user = '', other = ''] = lookalikes();
    await world.users.connect(user);
    await world.users.connect(other);
    const { body } = await api.ask(other, 'GET /mcp-oauth-credentials');
    expect(body).toMatchObject({ connections: [{ waitingSteps: 0 }] });
    await world.users.disconnect(user);
    await startWaiting(user);
    await world.users.connect(other);

    expect(await world.steps.waiting(user)).toStrictEqual(['waits']);
    expect(await world.steps.waiting(other)).toStrictEqual([]);
    expect(await world.steps.get(user, 'waits')).toMatchObject({ status: 'awaiting-input' });
  });
});

async function startWaiting(user: string): Promise<void> {
  await world.steps.start(user, { stepId: 'waits' });
  await world.steps.until(user, 'waits', 'awaiting-input');
}

describe('a user whose id is the hash that stood for a long one', () => {
  const long = () => `${'ü'.repeat(60)}${randomUUID()}`;
  const hashOf = (user: string) => stepWorkflowIds(user, 's')[1]?.split('/')[1] ?? '';

  test('shares neither steps nor step ids with the other', async () => {
    const user = long();
    const impostor = hashOf(user);
    expect(impostor).toMatch(/^[A-Za-z0-9_-]{43}$/);
    await startAll(impostor, ['s', 'mine']);

    expect(await api.ask(user, 'GET /steps/s')).toMatchObject({ status: 404 });
    expect(await api.ask(user, 'POST /steps', { ...REQUEST, stepId: 's' })).toMatchObject({ status: 202 });
    await expectListed(impostor, ['mine', 's']);
    await expectListed(user, ['s']);
    expect(await executionsOfUser(world.temporal.client, user, 'open')).toHaveLength(1);
  });

  test.each(['with its owner in the input alone', 'with an input that can not be read'])(
    'is shown none of a step of before, %s, and does not end it when forgotten',
    async (which) => {
      const user = long();
      const impostor = hashOf(user);
      const readable = which.includes('owner');
      const input = { ...REQUEST, userId: user, stepId: 's' };
      const client = readable ? world.temporal.client : stranger();
      const handle = await client.workflow.start('mcpStep', {
        taskQueue: uniqueTaskQueue('nobody'),
        workflowId: stepWorkflowIds(user, 's')[1] ?? '',
        args: [input],
      });
      await startAll(impostor, ['later']);

      await expectListed(impostor, ['later']);
      expect(await api.ask(impostor, 'GET /steps/s')).toMatchObject({ status: 404 });
      expect(await api.ask(impostor, 'DELETE /steps/s')).toMatchObject({ status: 404 });
      if (readable) await expectListed(user, ['s']);
      const forgotten = await forgetUser(world.services, impostor, { waitMs: 30_000, deleteHistory: false });
      expect(forgotten).toMatchObject({ steps: { cancelled: 1 } });
      expect((await handle.describe()).raw.workflowExtendedInfo?.cancelRequested).toBeFalsy();
      await handle.terminate();
    },
  );
});

const REQUEST = { mcpServerId: 'ledger', tool: 'create_invoice', arguments: {} };

/** A Temporal client whose payloads have an encoding that is unknown here. */
function stranger(): Client {
  const { connection, options } = world.temporal.client;
  const elsewhere = ({ data }: Payload): Payload => ({
    data: data ?? null,
    metadata: { encoding: Buffer.from('binary/elsewhere') },
  });
  const codec = {
    encode: async (all: Payload[]) => all.map(elsewhere),
    decode: async (all: Payload[]) => all,
  };
  return new Client({
    connection,
    namespace: options.namespace,
    dataConverter: { payloadCodecs: [codec] },
  });
}

describe('a step whose memo cannot be understood', () => {
  test.each([
    ['can not be decoded', () => stranger(), 'text'],
    ['is a text', () => world.temporal.client, 'text'],
    ['is null', () => world.temporal.client, null],
    ['is a list', () => world.temporal.client, [1]],
    ['holds fields of other kinds', () => world.temporal.client, { userId: 5, tool: {}, status: {} }],
  ])('(it %s) is listed and shown by its id, beside the others', async (_, clientOf, value) => {
    const user = world.users.newUser();
    await startAll(user, ['sound']);
    const handle = await clientOf().workflow.start('mcpStep', {
      taskQueue: uniqueTaskQueue('nobody'),
      workflowId: stepWorkflowId(user, 'odd'),
      args: [null],
      memo: { [MEMO_KEY]: value, [STATE_MEMO]: value },
      typedSearchAttributes: stepSearchAttributes({ userId: user, mcpServerId: 'ledger' }),
    });
    onTestFinished(() => handle.terminate().then(() => undefined));

    await expectListed(user, ['odd', 'sound']);
    const shown = await api.ask(user, 'GET /steps/odd');
    expect(shown).toMatchObject({
      status: 200,
      body: { stepId: 'odd', mcpServerId: 'ledger', tool: '', status: 'running' },
    });
    expect(await api.ask(world.users.newUser(), 'GET /steps/odd')).toMatchObject({ status: 404 });
    expect(await api.ask(user, 'POST /steps', { ...REQUEST, stepId: 'odd' })).toMatchObject({ status: 409 });
  });
});

describe('a cursor', () => {
  let user: string;
  let cursor: string;

  beforeAll(async () => {
    user = world.users.newUser();
    await startAll(user, ['a', 'b', 'c']);
    await expectListed(user, ['a', 'b', 'c']);
    cursor = ((await api.ask(user, 'GET /steps?limit=1')).body as Page).nextCursor ?? '';
    expect(cursor).not.toBe('');
  });

  const forged = {
    'a text': () => 'nonsense',
    'bytes of the right length': () =>
      Buffer.alloc(Buffer.from(cursor, 'base64url').length).toString('base64url'),
    'with a checksum that anybody can make': () => {
      const token = Buffer.from('{"CloseTime":"x"}');
      const query = `WorkflowType = 'mcpStep' AND (WorkflowId STARTS_WITH 'step/${user}/') AND ExecutionStatus != 'ContinuedAsNew'`;
      const checksum = createHash('sha256').update(query).update('\0').update(token).digest('base64url');
      return `${token.toString('base64url')}.${checksum.slice(0, 12)}`;
    },
    'one bit away': () => {
      const bytes = Buffer.from(cursor, 'base64url');
      bytes[20] = (bytes[20] ?? 0) ^ 1;
      return bytes.toString('base64url');
    },
    'cut short': () => cursor.slice(0, -8),
    'with NUL': () => '%00',
  };

  test.each(Object.entries(forged))('that is forged (%s) is a 400, at once', async (_, forge) => {
    const started = Date.now();
    expect(await api.ask(user, `GET /steps?limit=1&cursor=${forge()}`)).toMatchObject({
      status: 400,
      body: { code: 'invalid-request', errors: [{ path: 'cursor' }] },
    });
    expect(Date.now() - started).toBeLessThan(3_000);
  });

  test("of another user's list or another status is a 400, and of this list it goes on", async () => {
    const next = `GET /steps?limit=1&cursor=${cursor}`;
    expect(await api.ask(`${user}x`, next)).toMatchObject({ status: 400 });
    expect(await api.ask(user.toUpperCase(), next)).toMatchObject({ status: 400 });
    expect(await api.ask(user, `${next}&status=awaiting-input`)).toMatchObject({ status: 400 });
    expect(await api.ask(user, next)).toMatchObject({ status: 200, body: { steps: [{}] } });
  });

  test('names no execution to who reads it', () => {
    const read = Buffer.from(cursor, 'base64url').toString('latin1');
    expect(read).not.toMatch(/RunID|Time/i);
  });
});

describe('resolving many steps', () => {
  const since = { from: '2020-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z' };
  const resolve = (mcpServerId: string, more = {}) =>
    api.askAsAdmin('POST /steps/resolve-many', { mcpServerId, ...since, action: 'fail', ...more });

  test('is about the steps of exactly that server', async () => {
    const id = `Notes_${randomUUID().slice(0, 8)}`;
    const servers = [id, id.toLowerCase(), id.toUpperCase()];
    for (const server of servers) {
      await world.register(server, { url: world.mcpServer.url, auth: { type: 'oauth2' } });
      await world.steps.start(server, {
        mcpServerId: server,
        mode: 'automated-with-confirmation',
        stepId: 's',
      });
      await world.steps.until(server, 's', 'awaiting-input');
      await expectListed(server, ['s'], '&status=awaiting-input');
    }

    // They wait for an approval, so one that is told is skipped.
    expect(await resolve(id)).toMatchObject({ status: 200, body: { resolved: 0, skipped: 1, failed: 0 } });
  });

  test.each([
    ['0000-01-01T00:00:00Z', '9999-12-31T23:59:59Z'],
    ['0001-01-01T00:00:00Z', '0001-01-02T00:00:00Z'],
    ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59.999Z'],
    ['0000-01-01T00:00:00+23:59', '9999-12-31T23:59:59-23:59'],
  ])('takes every time that can be written: %s to %s', async (from, to) => {
    expect(await resolve('nothing-here', { from, to })).toMatchObject({
      status: 200,
      body: { resolved: 0, skipped: 0, failed: 0 },
    });
  });
});

describe('in a namespace without the search attributes', () => {
  let bare: World;
  let bareApi: TestApi;

  beforeAll(async () => {
    bare = await createWorld({ namespace: await createTestNamespace([]) });
    bareApi = await startTestApi(bare);
  });
  afterAll(async () => {
    await bareApi.stop();
    await bare.stop();
  });

  test('lists by status and the resolving of many find the steps', async () => {
    const user = bare.users.newUser();
    await bare.users.connect(user);
    await bare.steps.start(user, { stepId: 'done' });
    await bare.steps.until(user, 'done', 'success');
    await bare.steps.start(user, { stepId: 'waits', mode: 'automated-with-confirmation' });
    await bare.steps.until(user, 'waits', 'awaiting-input');
    await bare.steps.start(user, { stepId: 'skipped', mode: 'automated-with-confirmation' });
    await bare.steps.until(user, 'skipped', 'awaiting-input');
    await bare.steps.reject(user, 'skipped');

    const idsBy = async (status: string) => {
      const { body } = await bareApi.ask(user, `GET /steps?status=${status}`);
      return (body as Page).steps.map(({ stepId }) => stepId);
    };
    await expect.poll(() => idsBy('skipped'), WAIT).toStrictEqual(['skipped']);
    expect(await idsBy('awaiting-input')).toStrictEqual(['waits']);
    expect(await idsBy('success')).toStrictEqual(['done']);
    for (const status of ['running', 'error', 'cancelled']) expect(await idsBy(status)).toStrictEqual([]);
    const many = { from: '2020-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z', action: 'fail' };
    const resolve = (mcpServerId: string) =>
      bareApi.askAsAdmin('POST /steps/resolve-many', { ...many, mcpServerId });
    expect(await resolve(bare.mcpServerId)).toMatchObject({ status: 200, body: { skipped: 1 } });
    expect(await resolve('LEDGER')).toMatchObject({ status: 200, body: { skipped: 0 } });
  });
});

describe('in a namespace that does not exist', () => {
  test.each([
    ['GET /steps', undefined],
    ['GET /steps?status=running', undefined],
    ['GET /steps/s', undefined],
    ['GET /steps/s?wait=1s', undefined],
    ['DELETE /steps/s', undefined],
    ['POST /steps', { ...REQUEST, stepId: 's' }],
    ['POST /steps/s/approve', {}],
  ])('%s answers 503 and says that Temporal is unavailable', async (request, body) => {
    const temporal = { ...world.config.temporal, namespace: `none-${randomUUID()}` };
    const lost = await startTestApi({ ...world, config: { ...world.config, temporal } });
    onTestFinished(lost.stop);

    const answer = await lost.ask('alice', request, body);

    expect(answer).toMatchObject({ status: 503, body: { code: 'temporal-unavailable' } });
  });
});
