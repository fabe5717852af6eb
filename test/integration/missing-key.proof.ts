import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { Secret, type WorkerConfig } from '../../src/config/load-config.ts';
import { createPool } from '../../src/db/pool.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { createServices, type Services } from '../../src/process/services.ts';
import { createStepClient } from '../../src/steps/step-client.ts';
import type { StoredResultDependencies } from '../../src/steps/stored-results.ts';
import { EncryptionKeyMissing } from '../../src/vault/key-ring.ts';
import { startTestApi } from '../support/api.ts';
import { clientWithUpdates } from '../support/client-with-handles.ts';
import { startTestWorker, type TestWorker } from '../support/test-worker.ts';
import { createUserSteps } from '../support/user-steps.ts';
import { createWorld, type World } from '../support/world.ts';

const LIMIT_MS = 60_000;

/** Its own services have the new key in front; `behind` is a worker that was not restarted since. */
let world: World;
let behind: { services: Services; worker: TestWorker; encryptionKeys: WorkerConfig['encryptionKeys'] };

beforeEach(async () => {
  const old = { id: 'old', bytes: randomBytes(32) };
  const young = { id: 'young', bytes: randomBytes(32) };
  world = await createWorld({ withoutWorker: true, encryptionKeys: [young, old] });
  const encryptionKeys = new Secret([old]);
  const config = { ...world.config, encryptionKeys };
  const services = createServices(config, world.temporal.client, createLogger({ level: 'silent' }));
  behind = { services, worker: await startTestWorker(config, world.temporal, services), encryptionKeys };
}, LIMIT_MS);

afterEach(async () => {
  await behind.worker.stop();
  await behind.services.close();
  await world.stop();
});

/** A step that waits for the key because the only worker lacks it. */
async function startedBehind(user: string): Promise<string> {
  const { stepId } = await world.steps.start(user);
  await expect
    .poll(async () => (await world.steps.get(user, stepId))?.timeline.map(({ event }) => event), {
      timeout: 30_000,
    })
    .toContain('waiting-for-key');
  return stepId;
}

test('a step continues when a worker with the key takes it, without asking its user', {
  timeout: LIMIT_MS,
}, async () => {
  const user = world.users.newUser();
  await world.users.connect(user);
  const stepId = await startedBehind(user);

  await behind.worker.stop();
  await world.startWorker();

  const step = await world.steps.until(user, stepId, 'success', 'error', 'awaiting-input');
  expect(step.status).toBe('success');
  expect(step.timeline).toContainEqual(expect.objectContaining({ event: 'waiting-for-key', kid: 'young' }));
  expect(world.mcpServer.calls({ user })).toHaveLength(1);
});

test('a step whose token is due continues when a worker with the key takes it', {
  timeout: LIMIT_MS,
}, async () => {
  const user = world.users.newUser();
  await world.users.connect(user);
  await world.services.db.query('UPDATE mcp_credential SET renew_after = now()');
  const stepId = await startedBehind(user);
  expect(world.authorizationServer.stats.tokenGrants('refresh_token', { accountId: user })).toEqual({
    succeeded: 0,
    failed: 0,
  });

  await behind.worker.stop();
  await world.startWorker();

  expect((await world.steps.until(user, stepId, 'success', 'error', 'awaiting-input')).status).toBe(
    'success',
  );
});

test('an API process without the key answers 503 to a list, a stored result and a deposit', {
  timeout: LIMIT_MS,
}, async () => {
  const config = { ...world.config, encryptionKeys: behind.encryptionKeys };
  const api = await startTestApi({ ...world, config });
  onTestFinished(api.stop);
  const user = world.users.newUser();
  const deposit = await world.users.consent(user);
  await world.users.deposit(user, deposit);
  await behind.worker.stop();
  await world.startWorker();
  const { stepId } = await world.steps.start(user, { tool: 'large_report', arguments: { bytes: 300_000 } });
  await world.steps.until(user, stepId, 'success');

  const answers = [
    await api.ask(user, `GET /list-mcp-tools?mcpServerId=${world.mcpServerId}`),
    await api.ask(user, `GET /steps/${stepId}`),
    await api.ask(user, 'POST /mcp-oauth-credentials', { ...deposit, refreshToken: 'another' }),
  ];

  for (const answer of answers) {
    expect(answer).toMatchObject({
      status: 503,
      body: { code: 'encryption-key-missing', detail: expect.stringContaining('young') },
    });
  }
});

describe('a decision that was applied while the stored result cannot be read', () => {
  const UNREADABLE = {
    status: 'success',
    result: { content: [], warnings: [expect.stringContaining('ask for the step again')] },
  };

  /** As they are when a step has ended before the answer to its decision is made. */
  function endingAtOnce(user: string, stepId: string, storedResults: StoredResultDependencies) {
    const client = clientWithUpdates(world.temporal.client, async (handle, ...update) => {
      await handle.executeUpdate(...update);
      return world.steps.until(user, stepId, 'success');
    });
    const { taskQueue } = world.config;
    return createUserSteps(createStepClient({ client, taskQueue, storedResults }));
  }

  async function startAsking(user: string): Promise<string> {
    await world.users.connect(user);
    await world.startWorker();
    const report = { tool: 'large_report', arguments: { bytes: 300_000 } };
    const { stepId } = await world.steps.start(user, { ...report, mode: 'automated-with-confirmation' });
    await world.steps.until(user, stepId, 'awaiting-input');
    return stepId;
  }

  test('is answered as applied without the key, while reading the step fails', {
    timeout: LIMIT_MS,
  }, async () => {
    await behind.worker.stop();
    const user = world.users.newUser();
    const stepId = await startAsking(user);
    const steps = endingAtOnce(user, stepId, behind.services);

    expect(await steps.approve(user, stepId)).toMatchObject({ kind: 'applied', step: UNREADABLE });

    await expect(steps.get(user, stepId)).rejects.toThrow(EncryptionKeyMissing);
  });

  test('is answered as applied while the database is unavailable', { timeout: LIMIT_MS }, async () => {
    await behind.worker.stop();
    const user = world.users.newUser();
    const stepId = await startAsking(user);
    const db = createPool({ databaseUrl: 'postgres://127.0.0.1:9/none', size: 1, onIdleError: () => {} });
    onTestFinished(() => db.end());
    const steps = endingAtOnce(user, stepId, { ...world.services, db });

    expect(await steps.approve(user, stepId)).toMatchObject({ kind: 'applied', step: UNREADABLE });
  });
});
