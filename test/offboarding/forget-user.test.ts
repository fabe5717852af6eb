import { randomUUID } from 'node:crypto';
import { Client, Connection, WorkflowNotFoundError } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { stepSearchAttributes } from '../../src/contracts/search-attributes.ts';
import type { StepView } from '../../src/contracts/step.ts';
import { stepMemo } from '../../src/contracts/step-memo.ts';
import { revokeWorkflowId } from '../../src/contracts/step-workflow-id.ts';
import { type Forgotten, forgetUser } from '../../src/offboarding/forget-user.ts';
import { storeResult } from '../../src/results/result-store.ts';
import { auditRows } from '../audit/audit-rows.ts';
import { runTypescriptFile } from '../support/child-process.ts';
import { createTestNamespace, uniqueTaskQueue } from '../support/temporal.ts';
import { createWorld, type World } from '../support/world.ts';

/** Temporal deletes when it gets to it. */
const WAIT = { timeout: 60_000, interval: 200 };
const OTHER_SERVER = 'other-ledger';

let world: World;

beforeAll(async () => {
  world = await createWorld({ namespace: await createTestNamespace() });
  await world.register(OTHER_SERVER, { url: world.mcpServer.url, auth: { type: 'oauth2' } });
});

afterAll(() => world.stop());

const forget = (user: string, deleteHistory = false) =>
  forgetUser(world.services, user, { waitMs: 30_000, deleteHistory });

async function isActive(token: string | undefined): Promise<boolean> {
  const { introspectionClient: client, introspectionEndpoint } = world.authorizationServer;
  const response = await fetch(introspectionEndpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${client.clientId}:${client.clientSecret}`)}` },
    body: new URLSearchParams({ token: token ?? '' }),
  });
  // RFC 7662 §2.2.
  return ((await response.json()) as { active: boolean }).active;
}

/** The rows of a user that are left, by table; the audit log is to stay. */
async function rowsLeft(user: string): Promise<Record<string, number>> {
  const left: Record<string, number> = {};
  for (const table of ['mcp_credential', 'mcp_step_waiter', 'mcp_stored_result', 'mcp_connection_event']) {
    const { rowCount } = await world.services.db.query(`SELECT FROM ${table} WHERE user_id = $1`, [user]);
    if (rowCount !== null && rowCount > 0) left[table] = rowCount;
  }
  return left;
}

const statusOf = async (user: string, { stepId }: StepView) => (await world.steps.get(user, stepId))?.status;

async function connected(user: string) {
  const deposit = await world.consent(user);
  await world.deposit(user, deposit);
  return deposit;
}

function elsewhere(payload: Payload): Payload {
  return { data: payload.data ?? null, metadata: { encoding: Buffer.from('binary/elsewhere') } };
}

/** A step that waits for a server that its user has not connected. */
async function startPaused(user: string): Promise<StepView> {
  const { stepId } = await world.start(user, { mcpServerId: OTHER_SERVER });
  return world.until(user, stepId, 'awaiting-input');
}

/** A step that can't act on its cancellation. */
async function startWithoutWorker(user: string) {
  const input = { userId: user, mcpServerId: world.mcpServerId, tool: 'create_invoice', stepId: 's' };
  return world.temporal.client.workflow.start('mcpStep', {
    taskQueue: uniqueTaskQueue('nobody'),
    workflowId: `step/${user}/s`,
    args: [input],
  });
}

/** A step in the middle of a call. */
async function startCalling(user: string): Promise<StepView> {
  const held = world.mcpServer.control.interceptTools({ do: 'hold-before-execution' }, { user });
  onTestFinished(() => held.release());
  const step = await world.start(user);
  await held.reached();
  return step;
}

const reconcile = () =>
  world.temporal.client.workflow.execute('reconcile', {
    taskQueue: world.config.taskQueue,
    workflowId: `reconcile-${world.config.taskQueue}`,
    args: [],
  });

const NOTHING: Omit<Forgotten, 'userId'> = {
  steps: { cancelled: 0, stillOpen: 0 },
  connections: 0,
  waiters: 0,
  results: 0,
  connectionEvents: 0,
  revocationsPending: 0,
  tombstonesPurged: 0,
  tombstonesLeft: 0,
};

describe('forgetting a user', () => {
  test('revokes the grants, ends the steps and leaves no row, and again changes nothing', async () => {
    const [user, bystander] = [world.newUser(), world.newUser()];
    const mine = await connected(user);
    const others = await connected(bystander);
    const [paused, calling] = [await startPaused(user), await startCalling(user)];
    const waiting = await startPaused(bystander);
    const owner = { userId: user, mcpServerId: world.mcpServerId, workflowId: calling.workflowId };
    await storeResult(world.services, owner, Buffer.from('{"content":[]}'));
    expect(await isActive(mine.accessToken)).toBe(true);

    const forgotten = await forget(user);

    expect(forgotten).toEqual({
      ...NOTHING,
      userId: user,
      steps: { cancelled: 2, stillOpen: 0 },
      connections: 1,
      // The step that waited may have taken its waiter away itself.
      waiters: expect.toBeOneOf([0, 1]),
      results: 1,
      connectionEvents: 1,
      tombstonesPurged: 1,
    });
    expect(await isActive(mine.accessToken)).toBe(false);
    expect([await statusOf(user, paused), await statusOf(user, calling)]).toEqual(['cancelled', 'cancelled']);
    expect(await rowsLeft(user)).toEqual({});

    expect(await isActive(others.accessToken)).toBe(true);
    expect(await statusOf(bystander, waiting)).toBe('awaiting-input');
    expect(await forget(user)).toEqual({ ...NOTHING, userId: user });
  });

  test('is in the audit log, once', async () => {
    const user = world.newUser();
    await connected(user);
    await forget(user);
    await forget(user);

    expect(await auditRows(world.services.db, { user })).toEqual([
      expect.objectContaining({ action: 'connected', actor: user }),
      { action: 'disconnected', user, server: world.mcpServerId, details: { version: expect.any(Number) } },
      {
        action: 'user-forgotten',
        user,
        details: { steps: 0, connections: 1, waiters: 0, results: 0, connectionEvents: 1 },
      },
    ]);
  });

  test('finds steps under ids of their own, also of one whose id can not be quoted', async () => {
    for (const user of [world.newUser(), `o'brien "${randomUUID()}"`]) {
      const input = { userId: user, mcpServerId: world.mcpServerId, tool: 'create_invoice', stepId: 's' };
      const { workflowId } = await world.temporal.client.workflow.start('mcpStep', {
        taskQueue: world.config.taskQueue,
        workflowId: `own-${randomUUID()}`,
        args: [{ ...input, mode: 'automated-with-confirmation' }],
        typedSearchAttributes: stepSearchAttributes(input),
      });

      expect(await forget(user)).toMatchObject({ steps: { cancelled: 1, stillOpen: 0 } });

      const { status } = await world.temporal.client.workflow.getHandle(workflowId).describe();
      expect(status.name).toBe('CANCELLED');
    }
  });

  test('finds a step whose memo can not be read', async () => {
    const user = world.newUser();
    await connected(user);
    const { connection, options } = world.temporal.client;
    const stranger = new Client({
      connection,
      namespace: options.namespace,
      dataConverter: {
        payloadCodecs: [{ encode: async (all) => all.map(elsewhere), decode: async (all) => all }],
      },
    });
    const step = await stranger.workflow.start('mcpStep', {
      taskQueue: uniqueTaskQueue(),
      workflowId: `step/${user}/s`,
      memo: { latchkeyStep: 'unreadable' },
    });

    const forgotten = await forgetUser(world.services, user, { waitMs: 1, deleteHistory: false });

    expect(forgotten).toMatchObject({ steps: { cancelled: 1, stillOpen: 1 }, runAgain: 'steps-still-open' });
    expect(await rowsLeft(user)).toEqual({});
    await step.terminate();
  });

  test('leaves a step of somebody else alone whose id reads like theirs', async () => {
    const [user, other] = [world.newUser(), world.newUser()];
    const input = { userId: other, mcpServerId: world.mcpServerId, tool: 'create_invoice', stepId: 's' };
    const handle = await world.temporal.client.workflow.start('mcpStep', {
      // Without a worker: one would end it for the user that its id names.
      taskQueue: `${world.config.taskQueue}-without-worker`,
      workflowId: `step/${user}/s`,
      args: [{ ...input, mode: 'automated-with-confirmation' }],
      memo: { latchkeyStep: stepMemo(input) },
    });

    expect(await forget(user)).toMatchObject({ steps: { cancelled: 0 } });

    expect((await handle.describe()).status.name).toBe('RUNNING');
    await handle.terminate();
  });

  test('has the tokens of a renewal revoked that is under way, and keeps the tombstone for them', async () => {
    const user = world.newUser();
    await connected(user);
    world.authorizationServer.control.expireAccessTokens(user);
    const held = world.authorizationServer.control.interceptTokenRequests(
      { do: 'hold-after-processing' },
      { accountId: user },
    );
    onTestFinished(() => held.release());
    const revocations = world.authorizationServer.stats.requests('revocation');
    const step = await world.start(user);
    await held.reached();

    const forgetting = forget(user);
    const isRevoked = () => rowsWith(user, `status = 'disconnected' AND revocation_jwe IS NULL`);
    await expect.poll(isRevoked, { timeout: 30_000 }).toBe(1);
    held.release();
    expect(await forgetting).toMatchObject({ tombstonesPurged: 0, tombstonesLeft: 1 });

    await expect.poll(() => statusOf(user, step), { timeout: 20_000 }).toBe('cancelled');
    await expect.poll(reconciledAway(user, 'revocation_jwe IS NOT NULL'), { timeout: 20_000 }).toBe(0);
    await world.services.db.query(
      `UPDATE mcp_credential SET lease_until = now() - interval '3 minutes' WHERE user_id = $1`,
      [user],
    );
    await expect.poll(reconciledAway(user, 'true'), { timeout: 20_000 }).toBe(0);
    // What was deposited, and what the renewal brought.
    expect(world.authorizationServer.stats.requests('revocation') - revocations).toBe(2);
  });

  test('has Temporal delete the histories where that is asked for', async () => {
    const user = world.newUser();
    await connected(user);
    const done = await world.start(user);
    await world.until(user, done.stepId, 'success');
    const paused = await startPaused(user);
    const describing = async ({ workflowId }: StepView) =>
      world.temporal.client.workflow.getHandle(workflowId).describe();
    // Visibility has to know it as ended.
    await vi.waitFor(async () => {
      const { steps } = await world.steps.list(user, { limit: 10, status: 'success' });
      expect(steps).toHaveLength(1);
    });

    const { historiesDeleted } = await forget(user, true);

    expect(historiesDeleted).toBeGreaterThanOrEqual(1);
    await vi.waitFor(() => expect(describing(done)).rejects.toThrow(WorkflowNotFoundError), WAIT);
    await vi.waitFor(async () => {
      await forgetUser(world.services, user, { waitMs: 0, deleteHistory: true });
      await expect(describing(paused)).rejects.toThrow(WorkflowNotFoundError);
    }, WAIT);
  }, 150_000);

  test('deletes what steps on their way out leave behind', async () => {
    const user = world.newUser();
    await connected(user);
    const step = await startWithoutWorker(user);

    const forgetting = forget(user);
    await expect.poll(() => rowsWith(user, `status = 'disconnected'`), { timeout: 30_000 }).toBe(1);
    const owner = { userId: user, mcpServerId: world.mcpServerId, workflowId: step.workflowId };
    await storeResult(world.services, owner, Buffer.from('{"content":[]}'));
    await step.terminate();

    expect(await forgetting).toMatchObject({ steps: { cancelled: 1, stillOpen: 0 }, results: 1 });
    expect(await rowsLeft(user)).toEqual({});
  });

  test('says that it is to be run again while steps can not end', async () => {
    const user = world.newUser();
    const step = await startWithoutWorker(user);

    const forgotten = await forgetUser(world.services, user, { waitMs: 0, deleteHistory: false });

    expect(forgotten).toMatchObject({ steps: { cancelled: 1, stillOpen: 1 }, runAgain: 'steps-still-open' });
    await step.terminate();
  });

  test('does the part of the database while Temporal is down, and says that it is to be run again', async () => {
    const user = world.newUser();
    const { accessToken } = await connected(user);
    const paused = await startPaused(user);
    const connection = Connection.lazy({ address: '127.0.0.1:9' });
    onTestFinished(() => connection.close());
    const services = { ...world.services, client: new Client({ connection }) };

    const options = { waitMs: 0, deleteHistory: false };
    const workflows = { startResumption: async () => {}, startRevocation: async () => {} };
    const forgotten = await forgetUser({ ...services, workflows }, user, options);

    expect(forgotten).toMatchObject({
      connections: 1,
      revocationsPending: 1,
      runAgain: 'temporal-unavailable',
    });
    expect(await statusOf(user, paused)).toBe('awaiting-input');
    expect(await forget(user)).toMatchObject({ steps: { cancelled: 1, stillOpen: 0 }, tombstonesPurged: 1 });
    expect(await statusOf(user, paused)).toBe('cancelled');
    expect(await isActive(accessToken)).toBe(false);
    expect(await rowsLeft(user)).toEqual({});
  });
});

async function rowsWith(user: string, condition: string): Promise<number | null> {
  const { rowCount } = await world.services.db.query(
    `SELECT FROM mcp_credential WHERE user_id = $1 AND ${condition}`,
    [user],
  );
  return rowCount;
}

const reconciledAway = (user: string, condition: string) => async () => {
  await reconcile();
  return rowsWith(user, condition);
};

describe('latchkey users forget', () => {
  const start = (user: string, ...flags: string[]) =>
    runTypescriptFile('src/cli.ts', world.environment(), 'users', 'forget', user, ...flags);

  test('killed between the steps and the connections, is finished by running it again', async () => {
    const user = world.newUser();
    const { accessToken } = await connected(user);
    const paused = await startPaused(user);
    const holder = await world.services.pool.connect();
    await holder.query('BEGIN');
    await holder.query('SELECT FROM mcp_credential WHERE user_id = $1 FOR UPDATE', [user]);

    const killed = start(user);
    await expect.poll(() => statusOf(user, paused), { timeout: 30_000 }).toBe('cancelled');
    await killed.kill();
    await holder.query('ROLLBACK');
    holder.release();
    expect(await isActive(accessToken)).toBe(true);

    const again = start(user, '--json');
    const answer = JSON.parse(await again.nextLine());

    expect(answer).toMatchObject({
      userId: user,
      connections: 1,
      revocationsPending: 0,
      tombstonesPurged: 1,
    });
    expect(await isActive(accessToken)).toBe(false);
    expect(await rowsLeft(user)).toEqual({});
  });

  test('killed before the revocation, is finished by the schedule', async () => {
    const user = world.newUser();
    const { accessToken } = await connected(user);
    await world.authorizationServer.control.goOffline();
    onTestFinished(world.authorizationServer.control.goOnline);

    const killed = start(user);
    await expect.poll(() => rowsWith(user, `status = 'disconnected'`), { timeout: 30_000 }).toBe(1);
    await killed.kill();
    await world.authorizationServer.control.goOnline();
    // As if its start had been lost too: what is under way would try again in half a minute.
    const { rows } = await world.services.db.query<{ version: number }>(
      'SELECT credential_version::int AS version FROM mcp_credential WHERE user_id = $1',
      [user],
    );
    const revocation = revokeWorkflowId(user, world.mcpServerId, rows[0]?.version ?? 0);
    await world.temporal.client.workflow
      .getHandle(revocation)
      .terminate()
      .catch(() => {});

    await expect.poll(reconciledAway(user, 'true'), { timeout: 50_000, interval: 500 }).toBe(0);
    expect(await isActive(accessToken)).toBe(false);
    expect(await rowsLeft(user)).toEqual({});
  }, 120_000);

  test('says in words what it has done', async () => {
    const user = world.newUser();
    await connected(user);
    const command = start(user);
    expect(await command.nextLine()).toBe('steps cancelled        0');
    expect(await command.nextLine()).toBe('connections ended      1');
  });
});
