import { newText, type StoryStand } from '../story-stand.ts';
import { newStoryUser } from '../users.ts';

/** What an operator does on the command line. */
export async function playOperator(stand: StoryStand): Promise<void> {
  const { processes, environment } = stand;
  const user = newStoryUser(stand);
  await user.connect();
  await user.run({ mode: 'automated-with-confirmation' });
  const commands = [
    ['keys', 'status'],
    ['keys', 'rotate'],
    ['users', 'forget', user.id, '--json'],
    ['repair', '--restored', 'postgres'],
    ['migrate'],
  ];
  await Promise.all(commands.map((command) => processes.latchkey(environment, ...command).ended));
}

/** Configurations that are refused, and those with which nothing can be reached. */
export async function playFailedBoots(stand: StoryStand): Promise<void> {
  const { processes, environment, registry } = stand;
  const wrong = registry.register('wrong value', newText());
  const inUrl = encodeURIComponent(wrong);
  const everything = Object.fromEntries(VARIABLES.map((variable) => [variable, wrong]));
  const boots: [role: string, changes: Record<string, string>][] = [
    ['worker', everything],
    ['server', everything],
    ['migrate', everything],
    ['worker', { ENCRYPTION_KEYS: `k1:${Buffer.from(wrong).toString('base64')}` }],
    ['server', { DATABASE_URL: `postgres://u:${wrong}#@127.0.0.1/db` }],
    ['migrate', { DATABASE_URL: withPassword(environment.DATABASE_URL ?? '', inUrl) }],
    ['migrate', { DATABASE_URL: `postgres://u:${inUrl}@127.0.0.1:9/db` }],
    ['worker', { TEMPORAL_API_KEY: wrong }],
  ];
  // One that came up all the same would take the story's steps.
  const apart = { ...environment, TEMPORAL_TASK_QUEUE: 'nobody-starts-anything-here' };
  const codes = await Promise.all(
    boots.map(([role, changes]) => processes.latchkey({ ...apart, ...changes }, role).ended),
  );
  if (codes.includes(0)) throw new Error(`a wrong configuration was taken for a right one: ${codes}`);
  await bootWithoutDatabase(stand, { ...apart, DATABASE_URL: `postgres://u:${inUrl}@127.0.0.1:9/db` });
}

/** A worker and a server wait for their database, and say so. */
async function bootWithoutDatabase(
  { processes, api }: StoryStand,
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
