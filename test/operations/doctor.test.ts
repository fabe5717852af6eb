import { Connection } from '@temporalio/client';
import { describe, expect, inject } from 'vitest';
import { createLogger } from '../../src/logging/logger.ts';
import { type DoctorRole, runDoctor } from '../../src/operations/doctor.ts';
import type { Check, CheckName } from '../../src/operations/doctor-check.ts';
import { setUpTemporal } from '../../src/temporal/setup.ts';
import { testInWorld } from '../support/fixtures.ts';
import { createTestNamespace } from '../support/temporal.ts';
import type { World } from '../support/world.ts';

const test = testInWorld(async () => ({ withoutWorker: true, namespace: await createTestNamespace([]) }));
const JWT = { JWT_SECRET: 'a secret of at least 32 bytes, as it must be' };
const NOWHERE = 'http://127.0.0.1:9/mcp';

describe('the doctor', () => {
  test('finds what a namespace lacks that was not set up, and nothing after it was', async ({ world }) => {
    const before = await examine(world);
    expect(statuses(before)).toEqual({
      configuration: 'ok',
      postgres: 'ok',
      migrations: 'ok',
      'encryption-keys': 'ok',
      temporal: 'ok',
      'search-attributes': 'failed',
      schedules: 'failed',
      workers: 'failed',
      'mcp-server': 'ok',
    });
    expect(messageOf(before, 'search-attributes')).toMatch(/McpServerId, McpUserId.*run `latchkey migrate`/);
    expect(messageOf(before, 'schedules')).toMatch(
      /the schedule latchkey-reconcile is missing: run `latchkey migrate`/,
    );
    expect(messageOf(before, 'workers')).toContain('start `latchkey worker`');

    await setUp(world);
    const worker = await world.startWorker();
    const after = await examine(world);
    expect(after.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(messageOf(after, 'mcp-server')).toContain('users can connect at');
    await worker.stop();
  });

  test('finds a schedule that is paused, or that starts its workflow on another task queue', async ({
    world,
  }) => {
    await setUp(world);
    // The set-up updates the schedules of the test before. A schedule that reads an update and a pause in one workflow
    // task loses the pause (Temporal 1.29: half of the time), so wait until it has read the update.
    expect(messageOf(await examine(world), 'schedules')).toBe('latchkey-reconcile, latchkey-renew-idle');
    const { schedule } = world.temporal.client;
    await schedule.getHandle('latchkey-renew-idle').pause();
    expect(messageOf(await examine(world), 'schedules')).toMatch(
      /^the schedule latchkey-renew-idle is paused/,
    );
    await schedule.getHandle('latchkey-renew-idle').unpause();

    const other = await examine(world, { TEMPORAL_TASK_QUEUE: 'other' });
    expect(messageOf(other, 'schedules')).toMatch(/task queue ".+" and not on "other"/);
  });

  test('names the variables that a role lacks, and still checks the rest', async ({ world }) => {
    const checks = await examine(world, { JWT_SECRET: '' });
    expect(checks.slice(0, 2)).toEqual([
      { check: 'configuration', subject: 'worker', status: 'ok', message: 'complete' },
      {
        check: 'configuration',
        subject: 'server',
        status: 'failed',
        message: 'JWT_SECRET is required, or else all of JWT_JWKS_URL, JWT_ISSUER, JWT_AUDIENCE',
      },
    ]);
    expect(statuses(checks).postgres).toBe('ok');
    const worker = await examine(world, { JWT_SECRET: '' }, ['worker']);
    expect(worker.filter(({ check }) => check === 'configuration')).toMatchObject([{ status: 'ok' }]);
  });

  test('checks Postgres and Temporal although the variables of all roles are wrong', async ({ world }) => {
    const checks = await examine(world, { NETWORK_POLICY: 'none' });
    expect(statuses(checks)).toMatchObject({
      configuration: 'failed',
      postgres: 'ok',
      temporal: 'ok',
      'mcp-server': 'skipped',
    });
  });

  test('checks nothing without the variables of Postgres', async ({ world }) => {
    expect(statuses(await examine(world, { DATABASE_URL: '' }))).toEqual({
      configuration: 'failed',
      postgres: 'skipped',
      temporal: 'skipped',
      'mcp-server': 'skipped',
    });
  });

  test('says that Postgres can not be reached, and skips what needs it', async ({ world }) => {
    const checks = await examine(world, { DATABASE_URL: 'postgres://u:s3cret@127.0.0.1:9/none' });
    expect(statuses(checks)).toMatchObject({
      postgres: 'failed',
      migrations: 'skipped',
      'encryption-keys': 'skipped',
      temporal: 'ok',
      'mcp-server': 'skipped',
    });
    expect(JSON.stringify(checks)).not.toContain('s3cret');
  });

  test('says that the namespace does not exist, and skips what is in it', async ({ world }) => {
    const checks = await examine(world, { TEMPORAL_NAMESPACE: 'nowhere' });
    expect(statuses(checks)).toMatchObject({ temporal: 'failed', workers: 'skipped', postgres: 'ok' });
    expect(messageOf(checks, 'temporal')).toContain('has no namespace "nowhere": create it');
  });

  test('names a key that is in use and not configured', async ({ world }) => {
    await world.register('sealed', { url: NOWHERE, auth: { type: 'bearer', token: 's3cret' } });
    const other = `other:${Buffer.alloc(32, 1).toString('base64')}`;
    const checks = await examine(world, { ENCRYPTION_KEYS: other });
    expect(messageOf(checks, 'encryption-keys')).toContain('ENCRYPTION_KEYS lacks the key test');
    expect(serverCheck(checks, 'sealed').message).toContain("registration can't be read");
  });

  test('says what is wrong with each server, which is a warning while the server is paused', async ({
    world,
  }) => {
    await world.register('away', { url: NOWHERE, auth: { type: 'none' } });
    await world.register('paused', { url: NOWHERE, auth: { type: 'none' }, paused: true });
    await world.register('without', { url: world.mcpServer.url, auth: { type: 'none' } });
    const checks = await examine(world);

    const away = `${NOWHERE} can't be reached: nothing listens at this address and port.`;
    expect(serverCheck(checks, 'away')).toMatchObject({ status: 'failed', message: away });
    expect(serverCheck(checks, 'paused')).toMatchObject({ status: 'warning', message: `${away} (paused)` });
    expect(serverCheck(checks, 'without').message).toContain('wants a token, and is registered without one');

    const refused = await examine(world, { NETWORK_POLICY: 'public' });
    expect(serverCheck(refused, 'away').message).toContain('NETWORK_POLICY does not allow');
  });
});

async function examine(
  world: World,
  variables: Record<string, string> = {},
  roles: DoctorRole[] = ['worker', 'server'],
): Promise<Check[]> {
  const environment = { ...world.environment(), ...JWT, ...variables };
  const checks: Check[] = [];
  for await (const check of runDoctor({ roles, environment })) checks.push(check);
  return checks;
}

async function setUp(world: World): Promise<void> {
  const connection = await Connection.connect({ address: inject('temporalAddress') });
  const options = { taskQueue: world.config.taskQueue, logger: createLogger({ level: 'silent' }) };
  await setUpTemporal(world.temporal.client, connection, options);
  await connection.close();
}

/** Of several checks of a name, the last. */
function statuses(checks: readonly Check[]): Partial<Record<CheckName, string>> {
  return Object.fromEntries(checks.map(({ check, status }) => [check, status]));
}

function messageOf(checks: readonly Check[], name: CheckName): string {
  return checks.find(({ check }) => check === name)?.message ?? '';
}

function serverCheck(checks: readonly Check[], id: string): Check {
  const found = checks.find(({ subject }) => subject === id);
  if (found === undefined) throw new Error(`${id} was not checked`);
  return found;
}
