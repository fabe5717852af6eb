import { randomUUID } from 'node:crypto';
import { WorkflowUpdateRPCTimeoutOrCancelledError } from '@temporalio/client';
import { describe, expect, vi } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import { stepWorkflowIds } from '../../src/contracts/step-workflow-id.ts';
import { depositCredential } from '../../src/credentials/deposit/deposit-credential.ts';
import type { Pool } from '../../src/db/pool.ts';
import { createLogger } from '../../src/logging/logger.ts';
import type { AuditDependencies } from '../../src/steps/audit-decision.ts';
import { createStepClient } from '../../src/steps/step-client.ts';
import { clientWithUpdates } from '../support/client-with-handles.ts';
import { testInWorld } from '../support/fixtures.ts';
import { createTestNamespace } from '../support/temporal.ts';
import { createUserSteps } from '../support/user-steps.ts';
import type { World } from '../support/world.ts';
import { auditRows } from './audit-rows.ts';

const test = testInWorld(async () => ({ namespace: await createTestNamespace() }));

const rowsOf = (world: World, user: string) => auditRows(world.services.db, { user });
const uuid = expect.stringMatching(/^[0-9a-f-]{36}$/);

async function startForApproval(world: World): Promise<{
  user: string;
  step: StepView;
  rows: () => ReturnType<typeof rowsOf>;
}> {
  const user = world.users.newUser();
  await world.users.connect(user);
  const { stepId } = await world.steps.start(user, { mode: 'automated-with-confirmation' });
  const step = await world.steps.until(user, stepId, 'awaiting-input');
  return { user, step, rows: async () => (await rowsOf(world, user)).slice(1) };
}

function auditedSteps(world: World, audit: AuditDependencies, client = world.temporal.client) {
  return createUserSteps(createStepClient({ client, taskQueue: world.config.taskQueue, audit }));
}

describe('connections', () => {
  test('that are made and ended are recorded with their users, and repeats are not', async ({
    world,
    api,
  }) => {
    const user = world.users.newUser();
    const deposit = await world.users.consent(user);
    const post = () => api.ask(user, 'POST /mcp-oauth-credentials', deposit);
    const remove = () => api.ask(user, `DELETE /mcp-oauth-credentials/${world.mcpServerId}`);
    expect([await post(), await post(), await remove(), await remove()].map(({ status }) => status)).toEqual([
      200, 200, 204, 204,
    ]);

    const who = { actor: user, user, server: world.mcpServerId };
    expect(await rowsOf(world, user)).toEqual([
      { action: 'connected', ...who, details: { version: 1 } },
      { action: 'disconnected', ...who, details: { version: 2 } },
    ]);
  });

  test('are recorded with their account, unless it is the default one', async ({ world, api }) => {
    const user = world.users.newUser();
    const deposit = { ...(await world.users.consent(user)), account: 'work' };
    await api.ask(user, 'POST /mcp-oauth-credentials', deposit);
    await api.ask(user, `DELETE /mcp-oauth-credentials/${world.mcpServerId}?account=work`);

    const who = { actor: user, user, server: world.mcpServerId, account: 'work' };
    expect(await rowsOf(world, user)).toEqual([
      { action: 'connected', ...who, details: { version: 1 } },
      { action: 'disconnected', ...who, details: { version: 2 } },
    ]);
  });

  test('that are rolled back leave no row', async ({ world }) => {
    const user = world.users.newUser();
    const { pool } = world.services;
    const connect = async () => {
      const client = await pool.connect();
      const query = (text: string, values?: unknown[]) =>
        text === 'COMMIT' ? Promise.reject(new Error('no space left')) : client.query(text, values);
      return { query, release: () => client.release() };
    };
    const deps = { ...world.services, refuseAddress: () => undefined, startResumption: async () => {} };
    const deposit = await world.users.consent(user);

    // The cast leaves out what deposits do not use of a pool.
    const obstructed = { connect, query: pool.query.bind(pool) } as unknown as Pool;
    const depositing = depositCredential({ ...deps, pool: obstructed }, user, deposit);

    await expect(depositing).rejects.toThrow('no space left');
    expect(await rowsOf(world, user)).toEqual([]);
  });

  test('that recover or fail by themselves are recorded without an actor', async ({ world }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    world.authorizationServer.control.revokeGrants(user);
    const { stepId } = await world.steps.start(user);
    await world.steps.until(user, stepId, 'awaiting-input');

    expect((await rowsOf(world, user)).map(({ action }) => action)).toEqual(['connected']);
  });
});

describe('servers', () => {
  test('that are registered, changed and removed are recorded with the admin', async ({ world, api }) => {
    const id = `server-${randomUUID()}`;
    const registration = {
      url: 'http://127.0.0.1:9/mcp',
      auth: { type: 'bearer', token: 'very-secret-token' },
    };
    await api.askAsAdmin(`PUT /mcp-servers/${id}`, registration);
    await api.askAsAdmin(`PUT /mcp-servers/${id}`, { ...registration, title: 'Notes' });
    await api.askAsAdmin(`DELETE /mcp-servers/${id}`);
    await api.askAsAdmin(`DELETE /mcp-servers/${id}`);

    const rows = await auditRows(world.services.db, { server: id });
    const who = { actor: 'admin', server: id };
    expect(rows).toEqual([
      { action: 'server-registered', ...who, details: { created: true, revision: expect.any(Number) } },
      { action: 'server-registered', ...who, details: { created: false, revision: expect.any(Number) } },
      { action: 'server-removed', ...who, details: {} },
    ]);
    expect(JSON.stringify(rows)).not.toContain('very-secret-token');
  });
});

describe('the switch of a server', () => {
  test('is recorded with the admin, once for each change', async ({ world, api }) => {
    const id = `server-${randomUUID()}`;
    const registration = { url: 'http://127.0.0.1:9/mcp', auth: { type: 'none' } };
    await api.askAsAdmin(`PUT /mcp-servers/${id}`, registration);
    for (const request of ['pause', 'pause', 'resume', 'resume']) {
      await api.askAsAdmin(`POST /mcp-servers/${id}/${request}`);
    }
    await api.askAsAdmin(`PUT /mcp-servers/${id}`, { ...registration, paused: true });

    const rows = await auditRows(world.services.db, { server: id });

    const who = { actor: 'admin', server: id };
    const revision = expect.any(Number);
    expect(rows).toEqual([
      { action: 'server-registered', ...who, details: { created: true, revision } },
      { action: 'server-paused', ...who, details: {} },
      { action: 'server-resumed', ...who, details: {} },
      { action: 'server-registered', ...who, details: { created: false, revision, paused: true } },
    ]);
  });
});

describe('decisions', () => {
  test('to approve are recorded before and after, without the arguments', async ({ world, api }) => {
    const { user, step, rows } = await startForApproval(world);
    const edited = { arguments: { customer: 'Very Private Ltd', amount: 7 } };
    expect(await api.ask(user, `POST /steps/${step.stepId}/approve`, edited)).toMatchObject({ status: 200 });

    const who = { actor: user, user, step: step.stepId, workflow: step.workflowId };
    const details = { decision: 'approve', edited: true, request: uuid };
    const written = await rows();
    expect(written).toEqual([
      { action: 'decision-requested', ...who, details },
      { action: 'approved', ...who, details },
    ]);
    expect(written[0]?.details.request).toBe(written[1]?.details.request);
    expect(JSON.stringify(written)).not.toContain('Very Private');
  });

  test('to reject are recorded without the reason, and a second decision as refused', async ({
    world,
    api,
  }) => {
    const { user, step, rows } = await startForApproval(world);
    const body = { reason: 'because of Very Private Ltd' };
    expect(await api.ask(user, `POST /steps/${step.stepId}/reject`, body)).toMatchObject({ status: 200 });
    expect(await api.ask(user, `POST /steps/${step.stepId}/approve`, {})).toMatchObject({ status: 409 });

    const written = await rows();
    expect(written.map(({ action, details }) => [action, details.decision, details.why])).toEqual([
      ['decision-requested', 'reject', undefined],
      ['rejected', 'reject', undefined],
      ['decision-requested', 'approve', undefined],
      ['decision-refused', 'approve', 'not-waiting'],
    ]);
    expect(JSON.stringify(written)).not.toContain('Very Private');
  });

  test('to resolve and to cancel are recorded', async ({ world, api }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    world.mcpServer.control.interceptTools({ do: 'drop-after-execution' }, { user });
    const { stepId } = await world.steps.start(user, { sideEffects: 'unsafe' });
    await world.steps.until(user, stepId, 'awaiting-input');
    expect(await api.ask(user, `POST /steps/${stepId}/resolve`, { action: 'fail' })).toMatchObject({
      status: 200,
    });
    const other = await world.steps.start(user, { mode: 'automated-with-confirmation' });
    expect(await api.ask(user, `DELETE /steps/${other.stepId}`)).toMatchObject({ status: 202 });
    expect(await api.ask(user, 'DELETE /steps/there-is-none')).toMatchObject({ status: 404 });

    const written = (await rowsOf(world, user)).slice(1);
    expect(
      written.map(({ action, step, details }) => [action, step, details.resolution ?? details.why]),
    ).toEqual([
      ['decision-requested', stepId, 'fail'],
      ['resolved', stepId, 'fail'],
      ['decision-requested', other.stepId, undefined],
      ['cancelled', other.stepId, undefined],
      ['decision-requested', 'there-is-none', undefined],
      ['decision-refused', 'there-is-none', 'not-found'],
    ]);
  });

  test('about many steps are recorded as one decision of the admin', async ({ world, api }) => {
    const server = `server-${randomUUID()}`;
    const [from, to] = ['2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z'];
    const body = { mcpServerId: server, from, to, action: 'fail' };
    expect(await api.askAsAdmin('POST /steps/resolve-many', body)).toMatchObject({ status: 200 });

    const details = { decision: 'resolve-many', resolution: 'fail', from, to, request: uuid };
    expect(await auditRows(world.services.db, { server })).toEqual([
      { action: 'decision-requested', actor: 'admin', server, details },
      {
        action: 'resolved',
        actor: 'admin',
        server,
        details: { ...details, resolved: 0, skipped: 0, failed: 0 },
      },
    ]);
  });

  test('are not made while the audit log cannot record them', async ({ world }) => {
    const { user, step } = await startForApproval(world);
    const db = { query: () => Promise.reject(new Error('Connection terminated')) };
    const steps = auditedSteps(world, { db, logger: createLogger({ level: 'silent' }) });

    await expect(steps.approve(user, step.stepId, {}, user)).rejects.toThrow('Connection terminated');

    expect(await world.steps.get(user, step.stepId)).toMatchObject({ status: 'awaiting-input' });
  });

  test('are answered as made when only their outcome cannot be recorded', async ({ world }) => {
    const { user, step, rows } = await startForApproval(world);
    const { db } = world.services;
    const failing = {
      query: (text: string, values: unknown[]) =>
        values.includes('approved')
          ? Promise.reject(new Error('Connection terminated'))
          : db.query(text, values),
    };
    // The cast leaves out the overloads of `query` that this project does not use.
    const audit = { db: failing as typeof db, logger: createLogger({ level: 'silent' }) };

    const outcome = await auditedSteps(world, audit).approve(user, step.stepId, {}, user);

    expect(outcome).toMatchObject({ kind: 'applied' });
    expect((await rows()).map(({ action }) => action)).toEqual(['decision-requested']);
  });

  test('name a step by the workflow id that it was found under, also where its hash has no mark', async ({
    world,
  }) => {
    const { user, step } = await startForApproval(world);
    const db = { query: () => Promise.reject(new Error('Connection terminated')) };
    const query = vi.spyOn(db, 'query');
    const longStepId = 's'.repeat(128);
    const former = stepWorkflowIds(user, longStepId)[1] ?? '';
    await world.temporal.client.workflow.start('mcpStep', {
      workflowId: former,
      taskQueue: 'none',
      args: [{ userId: user, stepId: longStepId }],
    });
    const steps = auditedSteps(world, { db, logger: createLogger({ level: 'silent' }) });

    await expect(steps.approve(user, longStepId, {}, user)).rejects.toThrow('Connection terminated');
    await expect(steps.approve(user, step.stepId, {}, user)).rejects.toThrow('Connection terminated');

    const written = query.mock.calls.map((call) => JSON.stringify(call));
    expect(written[0]).toContain(former);
    expect(written[1]).toContain(step.workflowId);
  });

  test('that no worker answered are recorded as unanswered', async ({ world }) => {
    const { user, step, rows } = await startForApproval(world);
    const client = clientWithUpdates(world.temporal.client, async (_, update) => {
      throw update === 'approve'
        ? new WorkflowUpdateRPCTimeoutOrCancelledError('no answer')
        : new Error('the connection was cut');
    });
    const steps = auditedSteps(
      world,
      { db: world.services.db, logger: createLogger({ level: 'silent' }) },
      client,
    );

    await steps.approve(user, step.stepId, {}, user);
    await expect(steps.reject(user, step.stepId, {}, user)).rejects.toThrow('the connection was cut');

    expect((await rows()).map(({ action }) => action)).toEqual([
      'decision-requested',
      'decision-unanswered',
      'decision-requested',
      'decision-unanswered',
    ]);
  });
});
