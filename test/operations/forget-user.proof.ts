import { Client, Connection, WorkflowNotFoundError } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import { stepMemo } from '../../src/contracts/step-memo.ts';
import { revokeWorkflowId } from '../../src/contracts/step-workflow-id.ts';
import { forgetUser } from '../../src/operations/forget-user.ts';
import { storeResult } from '../../src/results/result-store.ts';
import { runLatchkey } from '../support/child-process.ts';
import { uniqueTaskQueue } from '../support/temporal.ts';
import { forgetUserFixture } from './forget-user-fixture.ts';

/** Temporal deletes when it gets to it. */
const WAIT = { timeout: 60_000, interval: 200 };

function elsewhere(payload: Payload): Payload {
  return { data: payload.data ?? null, metadata: { encoding: Buffer.from('binary/elsewhere') } };
}

const fixture = forgetUserFixture();
const { forget, isActive, rowsLeft, statusOf, connected, startPaused, startWithoutWorker, reconcile } =
  fixture;

describe('forgetting a user', () => {
  test('finds a step whose memo can not be read', async () => {
    const user = fixture.world.users.newUser();
    await connected(user);
    const { connection, options } = fixture.world.temporal.client;
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
    await fixture.untilListed(user);

    const forgotten = await forgetUser(fixture.world.services, user, { waitMs: 1, deleteHistory: false });

    expect(forgotten).toMatchObject({ steps: { cancelled: 1, stillOpen: 1 }, runAgain: 'steps-still-open' });
    expect(await rowsLeft(user)).toEqual({});
    await step.terminate();
  });

  test('does not touch another user’s step with a similar id', async () => {
    const [user, other] = [fixture.world.users.newUser(), fixture.world.users.newUser()];
    const input = {
      userId: other,
      mcpServerId: fixture.world.mcpServerId,
      tool: 'create_invoice',
      stepId: 's',
    };
    const handle = await fixture.world.temporal.client.workflow.start('mcpStep', {
      // Without a worker: one would end it for the user that its id names.
      taskQueue: `${fixture.world.config.taskQueue}-without-worker`,
      workflowId: `step/${user}/s`,
      args: [{ ...input, mode: 'automated-with-confirmation' }],
      memo: { latchkeyStep: stepMemo(input) },
    });

    expect(await forget(user)).toMatchObject({ steps: { cancelled: 0 } });

    expect((await handle.describe()).status.name).toBe('RUNNING');
    await handle.terminate();
  });

  test('revokes the tokens of a renewal that is under way and keeps the tombstone for them', async () => {
    const user = fixture.world.users.newUser();
    await connected(user);
    fixture.world.authorizationServer.control.expireAccessTokens(user);
    const held = fixture.world.authorizationServer.control.interceptTokenRequests(
      { do: 'hold-after-processing' },
      { accountId: user },
    );
    onTestFinished(() => held.release());
    const revocations = fixture.world.authorizationServer.stats.requests('revocation');
    const step = await fixture.world.steps.start(user);
    await held.reached();

    const forgetting = forget(user);
    const isRevoked = () => rowsWith(user, `status = 'disconnected' AND revocation_jwe IS NULL`);
    await expect.poll(isRevoked, { timeout: 30_000 }).toBe(1);
    held.release();
    expect(await forgetting).toMatchObject({ tombstonesPurged: 0, tombstonesLeft: 1 });

    await expect.poll(() => statusOf(user, step), { timeout: 20_000 }).toBe('cancelled');
    await expect.poll(reconciledAway(user, 'revocation_jwe IS NOT NULL'), { timeout: 20_000 }).toBe(0);
    await fixture.world.services.db.query(
      `UPDATE mcp_credential SET lease_until = now() - interval '3 minutes' WHERE user_id = $1`,
      [user],
    );
    await expect.poll(reconciledAway(user, 'true'), { timeout: 20_000 }).toBe(0);
    // What was deposited, and what the renewal brought.
    expect(fixture.world.authorizationServer.stats.requests('revocation') - revocations).toBe(2);
  });

  test('makes Temporal delete the histories on request', async () => {
    const user = fixture.world.users.newUser();
    await connected(user);
    const done = await fixture.world.steps.start(user);
    await fixture.world.steps.until(user, done.stepId, 'success');
    const paused = await startPaused(user);
    const describing = async ({ workflowId }: StepView) =>
      fixture.world.temporal.client.workflow.getHandle(workflowId).describe();
    // Visibility has to know it as ended.
    await vi.waitFor(
      async () => {
        const { steps } = await fixture.world.steps.list(user, { limit: 10, status: 'success' });
        expect(steps).toHaveLength(1);
      },
      { timeout: 20_000 },
    );

    const { historiesDeleted } = await forget(user, true);

    expect(historiesDeleted).toBeGreaterThanOrEqual(1);
    await vi.waitFor(() => expect(describing(done)).rejects.toThrow(WorkflowNotFoundError), WAIT);
    await vi.waitFor(async () => {
      await forgetUser(fixture.world.services, user, { waitMs: 0, deleteHistory: true });
      await expect(describing(paused)).rejects.toThrow(WorkflowNotFoundError);
    }, WAIT);
  }, 150_000);

  test('deletes what ending steps leave behind', async () => {
    const user = fixture.world.users.newUser();
    await connected(user);
    const step = await startWithoutWorker(user);

    const forgetting = forget(user);
    await expect.poll(() => rowsWith(user, `status = 'disconnected'`), { timeout: 30_000 }).toBe(1);
    const owner = { userId: user, mcpServerId: fixture.world.mcpServerId, workflowId: step.workflowId };
    await storeResult(fixture.world.services, owner, Buffer.from('{"content":[]}'));
    await step.terminate();

    expect(await forgetting).toMatchObject({ steps: { cancelled: 1, stillOpen: 0 }, results: 1 });
    expect(await rowsLeft(user)).toEqual({});
  });

  test('asks to be run again while steps cannot end', async () => {
    const user = fixture.world.users.newUser();
    const step = await startWithoutWorker(user);

    const forgotten = await forgetUser(fixture.world.services, user, { waitMs: 0, deleteHistory: false });

    expect(forgotten).toMatchObject({ steps: { cancelled: 1, stillOpen: 1 }, runAgain: 'steps-still-open' });
    await step.terminate();
  });

  test('does its part in the database while Temporal is down and asks to be run again', async () => {
    const user = fixture.world.users.newUser();
    const { accessToken } = await connected(user);
    const paused = await startPaused(user);
    const connection = Connection.lazy({ address: '127.0.0.1:9' });
    onTestFinished(() => connection.close());
    const services = { ...fixture.world.services, client: new Client({ connection }) };

    const options = { waitMs: 0, deleteHistory: false };
    const workflows = {
      startResumption: async () => {},
      startRevocation: async () => {},
      startServerResumption: async () => {},
    };
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
  const { rowCount } = await fixture.world.services.db.query(
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
    runLatchkey(fixture.world.environment(), 'users', 'forget', user, ...flags);

  test('killed between the steps and the connections, is finished by running it again', async () => {
    const user = fixture.world.users.newUser();
    const { accessToken } = await connected(user);
    const paused = await startPaused(user);
    const holder = await fixture.world.services.pool.connect();
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
    const user = fixture.world.users.newUser();
    const { accessToken } = await connected(user);
    await fixture.world.authorizationServer.control.goOffline();
    onTestFinished(fixture.world.authorizationServer.control.goOnline);

    const killed = start(user);
    await expect.poll(() => rowsWith(user, `status = 'disconnected'`), { timeout: 30_000 }).toBe(1);
    await killed.kill();
    await fixture.world.authorizationServer.control.goOnline();
    // As if its start had been lost too: what is under way would try again in half a minute.
    const { rows } = await fixture.world.services.db.query<{ version: number }>(
      'SELECT credential_version::int AS version FROM mcp_credential WHERE user_id = $1',
      [user],
    );
    const revocation = revokeWorkflowId(
      { userId: user, mcpServerId: fixture.world.mcpServerId },
      rows[0]?.version ?? 0,
    );
    await fixture.world.temporal.client.workflow
      .getHandle(revocation)
      .terminate()
      .catch(() => {});

    await expect.poll(reconciledAway(user, 'true'), { timeout: 50_000, interval: 500 }).toBe(0);
    expect(await isActive(accessToken)).toBe(false);
    expect(await rowsLeft(user)).toEqual({});
  }, 120_000);

  test('says in words what it has done', async () => {
    const user = fixture.world.users.newUser();
    await connected(user);
    const command = start(user);
    expect(await command.nextLine()).toBe('steps cancelled        0');
    expect(await command.nextLine()).toBe('connections ended      1');
  });
});
