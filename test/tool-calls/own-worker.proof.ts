import { fileURLToPath } from 'node:url';
import { RawValue } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import { expect, onTestFinished } from 'vitest';
import { createLogger } from '../../src/logging/logger.ts';
import { createLatchkeyPlugin } from '../../src/worker-plugin.ts';
import { createTestDatabase } from '../support/database.ts';
import { asAdmin } from '../support/database-template.ts';
import { testInWorld } from '../support/fixtures.ts';
import type { World } from '../support/world.ts';

const EXPORTED = fileURLToPath(new URL('../../src/workflow.ts', import.meta.url));

const test = testInWorld({ withoutWorker: true });

const events: { event?: string; userId?: string }[] = [];
const logger = createLogger({
  level: 'info',
  destination: { write: (line) => void events.push(JSON.parse(line)) },
});

function createOwnWorker(world: World, activities: object) {
  const { nativeConnection: connection, namespace } = world.temporal;
  return Worker.create({
    connection,
    namespace,
    taskQueue: world.config.taskQueue,
    workflowsPath: EXPORTED,
    activities,
    plugins: [createLatchkeyPlugin({ environment: world.environment(), logger })],
  });
}

async function connections(world: World): Promise<number> {
  const { rows } = await world.services.db.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database()',
  );
  return rows[0]?.count ?? 0;
}

test("an application's Worker runs steps with the plugin and closes the database when it ends", async ({
  world,
}) => {
  const user = world.users.newUser();
  await world.users.connect(user);
  const worker = await createOwnWorker(world, { async ownActivity() {} });
  const before = await connections(world);

  const during = await worker.runUntil(async () => {
    const step = await world.steps.start(user);
    expect(await world.steps.result(step)).toMatchObject({ status: 'success' });
    world.authorizationServer.control.revokeGrants(user);
    const paused = await world.steps.start(user);
    await world.steps.until(user, paused.stepId, 'awaiting-input');
    await world.users.connect(user);
    expect(await world.steps.result(paused)).toMatchObject({ status: 'success' });
    return connections(world);
  });

  const stepEvents = events.flatMap(({ event, userId }) =>
    userId === user && event?.startsWith('step.') ? event : [],
  );
  expect(stepEvents).toEqual(['step.paused', 'step.resumed']);
  expect(during).toBeGreaterThan(before);
  // A backend outlives the connection's end for a moment.
  await expect.poll(() => connections(world)).toBeLessThan(during);
});

test("an application's Worker refuses a number that was rounded when it was read", async ({ world }) => {
  const text = JSON.stringify({ userId: 'ada', mcpServerId: 'ledger', tool: 'x', arguments: { id: 0 } });
  const data = Buffer.from(text.replace('"id":0', '"id":9007199254740993'));
  const input = RawValue.fromPayload({ metadata: { encoding: Buffer.from('json/plain') }, data });
  const worker = await createOwnWorker(world, {});

  const result = await worker.runUntil(
    world.temporal.client.workflow.execute('mcpStep', {
      taskQueue: world.config.taskQueue,
      workflowId: `rounded-${world.users.newUser()}`,
      args: [input],
    }),
  );

  expect(result).toMatchObject({
    error: { code: 'invalid-arguments', message: expect.stringContaining('arguments.id') },
  });
});

test('a plugin is for one Worker', async ({ world }) => {
  const plugin = createLatchkeyPlugin({ environment: world.environment(), logger });
  const { nativeConnection: connection, namespace } = world.temporal;
  const options = { connection, namespace, taskQueue: world.config.taskQueue, plugins: [plugin] };
  const worker = await Worker.create(options);
  await expect(Worker.create(options)).rejects.toThrow('one Worker');
  await worker.runUntil(async () => {});
});

test('the plugin fails without an encryption key that is in use and says so', async ({ world }) => {
  await world.users.connect(world.users.newUser());
  const ENCRYPTION_KEYS = `another:${Buffer.alloc(32).toString('base64')}`;
  const environment = { ...world.environment(), ENCRYPTION_KEYS };
  const { nativeConnection: connection, namespace } = world.temporal;
  const plugins = [createLatchkeyPlugin({ environment, logger })];
  const worker = await Worker.create({ connection, namespace, taskQueue: world.config.taskQueue, plugins });

  await expect(worker.run()).rejects.toThrow(
    /ENCRYPTION_KEYS: lacks the key test, under which \d+ stored values/,
  );
});

test('the plugin fails on a database without its migrations and says what to do', async ({ world }) => {
  const database = await createTestDatabase();
  onTestFinished(database.drop);
  await asAdmin(database.url, (client) => client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public'));
  const environment = { ...world.environment(), DATABASE_URL: database.url };
  const { nativeConnection: connection, namespace } = world.temporal;
  const plugins = [createLatchkeyPlugin({ environment, logger })];
  const worker = await Worker.create({ connection, namespace, taskQueue: world.config.taskQueue, plugins });

  await expect(worker.run()).rejects.toThrow('run `latchkey migrate`');
});

test('the plugin reports a wrong configuration at once', ({ world }) => {
  expect(() => createLatchkeyPlugin({ environment: { ...world.environment(), DATABASE_URL: '' } })).toThrow(
    /DATABASE_URL/,
  );
});
