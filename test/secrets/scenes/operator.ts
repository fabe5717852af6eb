import { newText, type StoryFixture } from '../story-fixture.ts';
import { newStoryUser, type StoryUser } from '../users.ts';

/** What an operator does on the command line, while everything runs. */
export async function playOperator(fixture: StoryFixture): Promise<void> {
  const user = newStoryUser(fixture);
  await user.connect();
  await user.run({ mode: 'automated-with-confirmation' });
  await runs(fixture, 0, ['migrate']);
  await runs(fixture, 0, ['users', 'forget', user.id, '--json']);
  await playRotation(fixture);
  await playRestoration(fixture);
}

/** Every process has both keys: what one seals under the old key while another rotates, all can read. */
async function playRotation(fixture: StoryFixture): Promise<void> {
  const { promotedKeys } = fixture;
  await runs(fixture, 0, ['keys', 'status'], promotedKeys);
  await runs(fixture, 0, ['keys', 'rotate'], promotedKeys);
  const { keys } = JSON.parse(await runs(fixture, 0, ['keys', 'status', '--json'], promotedKeys));
  const [young, old] = keys;
  if (!(young.total > 0 && old.total === 0)) throw new Error(`not rotated: ${JSON.stringify(keys)}`);
  await fixture.registerIssued();
}

/** Refused beside a worker; without one it repairs, and whoever waited goes on afterwards. */
async function playRestoration(fixture: StoryFixture): Promise<void> {
  const [waiting, asked] = [newStoryUser(fixture), newStoryUser(fixture)];
  const stepId = await waiting.run({ sideEffects: 'read-only' });
  await asked.connect();
  const approval = await asked.run({ mode: 'automated-with-confirmation', sideEffects: 'read-only' });
  await runs(fixture, 1, ['repair', '--restored', 'postgres']);
  await fixture.stopRole('worker');
  await playWithoutWorker(fixture, waiting, asked, approval);
  await fixture.stopRole('server');
  for (const restored of ['postgres', 'temporal']) {
    const repaired = await runs(fixture, 0, ['repair', '--restored', restored, '--workers-are-stopped']);
    if (!/^open steps signalled +[1-9]/m.test(repaired)) throw new Error(`nothing was repaired: ${repaired}`);
  }
  await Promise.all([fixture.startRole('worker'), fixture.startRole('server')]);
  await waiting.until(stepId, 'success');
  await asked.until(approval, 'success');
}

/** A decision that nobody answers, and a connection's event that nobody takes on. */
async function playWithoutWorker(
  fixture: StoryFixture,
  waiting: StoryUser,
  asked: StoryUser,
  approval: string,
): Promise<void> {
  const { status } = await asked.ask(`POST /steps/${approval}/approve`, {});
  if (status !== 503) throw new Error(`without a worker the approval was answered ${status}`);
  await waiting.connect();
  await fixture.registerIssued();
  await fixture.keepDatabaseNow();
}

/** @returns what it printed. @throws where it ends with another exit code */
async function runs(
  { processes, environment }: StoryFixture,
  exitCode: number,
  command: readonly string[],
  env: Readonly<Record<string, string>> = environment,
): Promise<string> {
  const running = processes.latchkey(env, ...command);
  const code = await running.ended;
  if (code === exitCode) return running.printed();
  throw new Error(`latchkey ${command.join(' ')} ended with ${code}: ${running.printed()}`);
}

/** Configurations that are refused, and those with which nothing can be reached. */
export async function playFailedBoots(fixture: StoryFixture): Promise<void> {
  const { environment, registry } = fixture;
  const wrong = registry.register('wrong value', newText());
  const inUrl = encodeURIComponent(wrong);
  const everything = Object.fromEntries(VARIABLES.map((variable) => [variable, wrong]));
  const boots: [role: string, changes: Record<string, string>, exitCode: number][] = [
    ['worker', everything, 2],
    ['server', everything, 2],
    ['migrate', everything, 2],
    ['worker', { ENCRYPTION_KEYS: `k1:${Buffer.from(wrong).toString('base64')}` }, 2],
    ['server', { DATABASE_URL: `postgres://u:${wrong}#@127.0.0.1/db` }, 2],
    ['migrate', { DATABASE_URL: withPassword(environment.DATABASE_URL ?? '', inUrl) }, 1],
    ['migrate', { DATABASE_URL: `postgres://u:${inUrl}@127.0.0.1:9/db` }, 1],
    ['worker', { TEMPORAL_API_KEY: wrong }, 1],
  ];
  // One that came up all the same would take the story's steps.
  const apart = { ...environment, TEMPORAL_TASK_QUEUE: 'nobody-starts-anything-here' };
  await Promise.all(
    boots.map(([role, changes, exitCode]) => runs(fixture, exitCode, [role], { ...apart, ...changes })),
  );
  await bootWithoutDatabase(fixture, { ...apart, DATABASE_URL: `postgres://u:${inUrl}@127.0.0.1:9/db` });
}

/** A worker and a server wait for their database, and say so. */
async function bootWithoutDatabase(
  { processes, api }: StoryFixture,
  environment: Record<string, string>,
): Promise<void> {
  const [worker, server] = ['worker', 'server'].map((role) => processes.latchkey(environment, role));
  await worker?.ready();
  const url = String((await server?.ready())?.url);
  for (const path of ['/health', '/steps', '/mcp-servers']) {
    await api.ask('ada', `GET ${path}`, { url, scope: 'latchkey:admin' });
  }
  worker?.kill('SIGTERM');
  server?.kill('SIGTERM');
  await Promise.all([worker?.ended, server?.ended]);
}

const VARIABLES = [
  'DATABASE_URL',
  'ENCRYPTION_KEYS',
  'PAYLOAD_KEYS',
  'WEBHOOK_URL',
  'WEBHOOK_SECRETS',
  'PUBLIC_URL',
  'NETWORK_POLICY',
  'LOG_LEVEL',
  'PORT',
  'TEMPORAL_TLS',
  'TEMPORAL_ADDRESS',
  'JWT_JWKS_URL',
  'METRICS_PORT',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
];

function withPassword(databaseUrl: string, password: string): string {
  const url = new URL(databaseUrl);
  url.password = password;
  return url.href;
}
