import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, vi } from 'vitest';
import { testInWorld } from '../support/fixtures.ts';
import { uniqueTaskQueue } from '../support/temporal.ts';
import type { World } from '../support/world.ts';
import {
  type Application,
  createApplication,
  OLDEST_TEMPORAL as OLDEST,
  secondCopies,
} from './application.ts';
import { runStepInCommand, runStepsInApplication, startInScope } from './steps-in-application.ts';

const PACKAGES = fileURLToPath(new URL('../../node_modules/@temporalio', import.meta.url));
const SET_UP_MS = 9 * 60_000;
const REFUSAL = new RegExp(
  `two copies of @temporalio/workflow: Latchkey imports 1\\.\\d+\\.\\d+, the Worker has ${OLDEST}`,
);

const test = testInWorld({ withoutWorker: true, payloadKeys: 'none' });
let application: Application;

// Not all packages of Temporal's are named: the others have to come in the same version.
test.beforeAll(async () => {
  application = await createApplication({
    '@temporalio/client': OLDEST,
    '@temporalio/worker': OLDEST,
    '@temporalio/workflow': OLDEST,
  });
}, SET_UP_MS);

test.afterAll(() => application.remove());

test('an application on the oldest version holds one copy of every Temporal package', async () => {
  const installed = await application.manifests();

  expect(secondCopies(installed)).toEqual([]);
  const temporal = installed.filter(({ name }) => name.startsWith('@temporalio/'));
  expect(temporal.map(({ name, version }) => `${name}@${version}`)).toEqual(
    expect.arrayContaining([`@temporalio/activity@${OLDEST}`, `@temporalio/common@${OLDEST}`]),
  );
  expect(new Set(temporal.map(({ version }) => version))).toEqual(new Set([OLDEST]));
});

test('its Worker runs steps and cancels one with its scope', ({ world }) =>
  runStepsInApplication(world, application));

// It bundles the workflows at its start, because the build has a newer SDK.
test('`latchkey worker` runs steps there', ({ world }) => runStepInCommand(world, application));

test('a second copy is refused by the plugin, when it bundles and when it starts', async ({ world }) => {
  await addSecondCopy();

  for (const program of ['bundle.js', 'worker.js'])
    expect(await application.start([program], ownQueue(world)).ended()).toMatch(REFUSAL);
});

test('a second copy is refused by runMcpStep in a Worker without the plugin', async ({ world }) => {
  await addSecondCopy();
  const environment = { ...ownQueue(world), PLUGIN: 'off' };
  const worker = application.start(['worker.js'], environment);
  await worker.until('running');

  const parent = await startInScope(world, world.users.newUser(), environment.APPLICATION_QUEUE);

  await vi.waitFor(async () => expect(await taskFailures(parent)).toEqual([expect.stringMatching(REFUSAL)]), {
    timeout: 30_000,
    interval: 200,
  });
  await parent.terminate();
});

function ownQueue(world: World): Record<'APPLICATION_QUEUE', string> & Record<string, string> {
  return { ...world.environment(), APPLICATION_QUEUE: uniqueTaskQueue('application') };
}

// As npm does it for an application that pins some packages and not @temporalio/worker.
async function addSecondCopy(): Promise<void> {
  const nested = join(application.folder, 'node_modules', 'latchkey', 'node_modules', '@temporalio');
  await mkdir(nested, { recursive: true });
  await cp(join(PACKAGES, 'workflow'), join(nested, 'workflow'), { recursive: true });
}

async function taskFailures(handle: Awaited<ReturnType<typeof startInScope>>): Promise<unknown[]> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).flatMap(
    ({ workflowTaskFailedEventAttributes: failed }) => failed?.failure?.message ?? [],
  );
}
