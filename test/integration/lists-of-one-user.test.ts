import { createHash, randomUUID } from 'node:crypto';
import { Client } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { stepSearchAttributes } from '../../src/contracts/search-attributes.ts';
import { MEMO_KEY, STATE_MEMO } from '../../src/contracts/step-memo.ts';
import { stepWorkflowId, stepWorkflowIds } from '../../src/contracts/step-workflow-id.ts';
import { executionsOfUser } from '../../src/operations/executions-of-user.ts';
import { forgetUser } from '../../src/operations/forget-user.ts';
import { createStepClient } from '../../src/steps/step-client.ts';
import type { TestApi } from '../support/api.ts';
import { testInWorld } from '../support/fixtures.ts';
import { createTestNamespace, uniqueTaskQueue } from '../support/temporal.ts';
import type { World } from '../support/world.ts';

// The dev server's visibility store is SQLite, which compares without case.
const WAIT = { timeout: 30_000 };

const test = testInWorld(async () => ({ namespace: await createTestNamespace() }));

type Page = { steps: { stepId: string }[]; nextCursor?: string };

const list = (api: TestApi, user: string, query = '') => api.ask(user, `GET /steps?limit=100${query}`);

async function stepIds(api: TestApi, user: string, query = ''): Promise<string[]> {
  const { body } = await list(api, user, query);
  return (body as Page).steps.map(({ stepId }) => stepId).sort();
}

async function expectListed(api: TestApi, user: string, expected: string[], query = ''): Promise<void> {
  await vi.waitFor(
    async () => expect(await stepIds(api, user, query)).toStrictEqual([...expected].sort()),
    WAIT,
  );
}

/** Steps that wait for their user. */
async function startAll(world: World, user: string, ids: string[]): Promise<void> {
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
  test('can list, see and cancel only their own steps', async ({ world, api }) => {
    const users = lookalikes();
    for (const [index, user] of users.entries()) await startAll(world, user, [`s${index}`]);

    for (const [index, user] of users.entries()) {
      await expectListed(api, user, [`s${index}`]);
      await expectListed(api, user, [`s${index}`], '&status=awaiting-input');
      const undecided = await createStepClient({
        client: world.temporal.client,
        taskQueue: '',
      }).listUndecided({
        userId: user,
        limit: 20,
      });
      expect(undecided.steps.map(({ stepId }) => stepId)).toStrictEqual([`s${index}`]);
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

  test('get full pages although most of the steps found are of other users', async ({ world, api }) => {
    const [user = '', other = ''] = lookalikes();
    await startAll(world, user, ['a', 'b', 'c']);
    await startAll(world, other, ['d', 'e', 'f', 'g']);
    await expectListed(api, user, ['a', 'b', 'c']);
    await expectListed(api, other, ['d', 'e', 'f', 'g']);

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

  test('are forgotten separately', async ({ world, api }) => {
    const [user = '', other = ''] = lookalikes();
    await startAll(world, user, ['mine']);
    await startAll(world, other, ['other']);
    await expectListed(api, user, ['mine']);
    await expectListed(api, other, ['other']);

    const forgotten = await forgetUser(world.services, user, { waitMs: 30_000, deleteHistory: true });

    expect(forgotten).toMatchObject({ steps: { cancelled: 1, stillOpen: 0 } });
    expect(await world.steps.get(other, 'other')).toMatchObject({ status: 'awaiting-input' });
    expect(await executionsOfUser(world.temporal.client, other, 'open')).toHaveLength(1);
  });

  test('have only their own waiting steps counted', async ({ world, api }) => {
    const [user = '', other = ''] = lookalikes();
    await world.users.connect(user);
    await world.users.connect(other);
    const { body } = await api.ask(other, 'GET /mcp-oauth-credentials');
    expect(body).toMatchObject({ connections: [{ waitingSteps: 0 }] });
    await world.users.disconnect(user);
    await startWaiting(world, user);
    await world.users.connect(other);

    expect(await world.steps.waiting(user)).toStrictEqual(['waits']);
    expect(await world.steps.waiting(other)).toStrictEqual([]);
    expect(await world.steps.get(user, 'waits')).toMatchObject({ status: 'awaiting-input' });
  });
});

async function startWaiting(world: World, user: string): Promise<void> {
  await world.steps.start(user, { stepId: 'waits' });
  await world.steps.until(user, 'waits', 'awaiting-input');
}

describe('a user whose id equals the hash of a long one', () => {
  const long = () => `${'ü'.repeat(60)}${randomUUID()}`;
  const hashOf = (user: string) => stepWorkflowIds(user, 's')[1]?.split('/')[1] ?? '';

  test('shares neither steps nor step ids with the other', async ({ world, api }) => {
    const user = long();
    const impostor = hashOf(user);
    expect(impostor).toMatch(/^[A-Za-z0-9_-]{43}$/);
    await startAll(world, impostor, ['s', 'mine']);

    expect(await api.ask(user, 'GET /steps/s')).toMatchObject({ status: 404 });
    expect(await api.ask(user, 'POST /steps', { ...REQUEST, stepId: 's' })).toMatchObject({ status: 202 });
    await expectListed(api, impostor, ['mine', 's']);
    await expectListed(api, user, ['s']);
    expect(await executionsOfUser(world.temporal.client, user, 'open')).toHaveLength(1);
  });

  test.for(['with its owner in the input alone', 'with an input that can not be read'])(
    'does not see a step of a former version, %s, and does not end it when forgotten',
    async (which, { world, api }) => {
      const user = long();
      const impostor = hashOf(user);
      const readable = which.includes('owner');
      const input = { ...REQUEST, userId: user, stepId: 's' };
      const client = readable ? world.temporal.client : stranger(world.temporal.client);
      const handle = await client.workflow.start('mcpStep', {
        taskQueue: uniqueTaskQueue('nobody'),
        workflowId: stepWorkflowIds(user, 's')[1] ?? '',
        args: [input],
      });
      await startAll(world, impostor, ['later']);

      await expectListed(api, impostor, ['later']);
      expect(await api.ask(impostor, 'GET /steps/s')).toMatchObject({ status: 404 });
      expect(await api.ask(impostor, 'DELETE /steps/s')).toMatchObject({ status: 404 });
      if (readable) await expectListed(api, user, ['s']);
      const forgotten = await forgetUser(world.services, impostor, { waitMs: 30_000, deleteHistory: false });
      expect(forgotten).toMatchObject({ steps: { cancelled: 1 } });
      expect((await handle.describe()).raw.workflowExtendedInfo?.cancelRequested).toBeFalsy();
      await handle.terminate();
    },
  );
});

const REQUEST = { mcpServerId: 'ledger', tool: 'create_invoice', arguments: {} };

/** A Temporal client whose payloads have an encoding that is unknown here. */
function stranger({ connection, options }: Client): Client {
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
  test.for([
    ['can not be decoded', stranger, 'text'],
    ['is a text', (client: Client) => client, 'text'],
    ['is null', (client: Client) => client, null],
    ['is a list', (client: Client) => client, [1]],
    ['holds fields of other kinds', (client: Client) => client, { userId: 5, tool: {}, status: {} }],
  ] as const)(
    '(it %s) is listed and shown by its id, beside the others',
    async ([_, clientOf, value], { world, api }) => {
      const user = world.users.newUser();
      await startAll(world, user, ['sound']);
      const handle = await clientOf(world.temporal.client).workflow.start('mcpStep', {
        taskQueue: uniqueTaskQueue('nobody'),
        workflowId: stepWorkflowId(user, 'odd'),
        args: [null],
        memo: { [MEMO_KEY]: value, [STATE_MEMO]: value },
        typedSearchAttributes: stepSearchAttributes({ userId: user, mcpServerId: 'ledger' }),
      });
      onTestFinished(() => handle.terminate().then(() => undefined));

      await expectListed(api, user, ['odd', 'sound']);
      const shown = await api.ask(user, 'GET /steps/odd');
      expect(shown).toMatchObject({
        status: 200,
        body: { stepId: 'odd', mcpServerId: 'ledger', tool: '', status: 'running' },
      });
      expect(await api.ask(world.users.newUser(), 'GET /steps/odd')).toMatchObject({ status: 404 });
      expect(await api.ask(user, 'POST /steps', { ...REQUEST, stepId: 'odd' })).toMatchObject({
        status: 409,
      });
    },
  );
});

describe('a cursor', () => {
  let user: string;
  let cursor: string;

  test.beforeAll(async ({ world, api }) => {
    user = world.users.newUser();
    await startAll(world, user, ['a', 'b', 'c']);
    await expectListed(api, user, ['a', 'b', 'c']);
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

  test.for(Object.entries(forged))('that is forged (%s) gets a 400', async ([_, forge], { api }) => {
    expect(await api.ask(user, `GET /steps?limit=1&cursor=${forge()}`)).toMatchObject({
      status: 400,
      body: { code: 'invalid-request', errors: [{ path: 'cursor' }] },
    });
  });

  test("of another user's list or another status gets a 400, and one of this list continues it", async ({
    api,
  }) => {
    const next = `GET /steps?limit=1&cursor=${cursor}`;
    expect(await api.ask(`${user}x`, next)).toMatchObject({ status: 400 });
    expect(await api.ask(user.toUpperCase(), next)).toMatchObject({ status: 400 });
    expect(await api.ask(user, `${next}&status=awaiting-input`)).toMatchObject({ status: 400 });
    expect(await api.ask(user, next)).toMatchObject({ status: 200, body: { steps: [{}] } });
  });

  test('shows its reader no execution', () => {
    const read = Buffer.from(cursor, 'base64url').toString('latin1');
    expect(read).not.toMatch(/RunID|Time/i);
  });
});

describe('resolving many steps', () => {
  const since = { from: '2020-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z' };
  const resolve = (api: TestApi, mcpServerId: string, more = {}) =>
    api.askAsAdmin('POST /steps/resolve-many', { mcpServerId, ...since, action: 'fail', ...more });

  test('resolves the steps of exactly that server', async ({ world, api }) => {
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
      await expectListed(api, server, ['s'], '&status=awaiting-input');
    }

    // They wait for an approval, so one that is told is skipped.
    expect(await resolve(api, id)).toMatchObject({
      status: 200,
      body: { resolved: 0, skipped: 1, failed: 0 },
    });
  });

  test.for([
    ['0000-01-01T00:00:00Z', '9999-12-31T23:59:59Z'],
    ['0001-01-01T00:00:00Z', '0001-01-02T00:00:00Z'],
    ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59.999Z'],
    ['0000-01-01T00:00:00+23:59', '9999-12-31T23:59:59-23:59'],
  ] as const)('takes every valid time: %s to %s', async ([from, to], { api }) => {
    expect(await resolve(api, 'nothing-here', { from, to })).toMatchObject({
      status: 200,
      body: { resolved: 0, skipped: 0, failed: 0 },
    });
  });
});
