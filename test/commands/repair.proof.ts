import { once } from 'node:events';
import { expect } from 'vitest';
import { auditRows } from '../audit/audit-rows.ts';
import { runLatchkey } from '../support/child-process.ts';
import { testInWorld } from '../support/fixtures.ts';
import { createTestNamespace } from '../support/temporal.ts';
import type { World } from '../support/world.ts';
import { latchkey } from './latchkey.ts';

const test = testInWorld(async () => ({ withoutWorker: true, namespace: await createTestNamespace() }));

/** `latchkey repair --json …` */
async function repair(world: World, ...flags: string[]): Promise<{ exitCode: unknown; said: unknown }> {
  const command = runLatchkey(world.environment(), 'repair', '--json', ...flags);
  const exited = once(command.child, 'exit');
  const said = JSON.parse(await command.nextLine());
  const [exitCode] = await exited;
  return { exitCode, said };
}

test.for(['postgres', 'temporal'])(
  'repair does nothing after a restoration of %s while a worker runs',
  async (restored, { world }) => {
    const worker = await world.startWorker();
    const user = world.users.newUser();
    await world.users.connect(user);
    const { stepId } = await world.steps.start(user);
    await world.steps.until(user, stepId, 'success');

    const { exitCode, said } = await repair(world, '--restored', restored);

    expect(exitCode).toBe(1);
    expect(said).toEqual({ kind: 'workers-running', workers: [expect.any(String)] });
    expect(await world.users.connect(user)).toMatchObject({ version: 2 });
    await worker.stop();
  },
);

test('repair says what it did and can be repeated', async ({ world }) => {
  const flags = ['--restored', 'postgres', '--workers-are-stopped'];
  const { rows } = await world.services.db.query('SELECT FROM mcp_credential');
  const told = await connectionEvents(world);
  const repaired = { told: 0, raised: rows.length, disconnected: 0 };

  for (const _ of [1, 2]) {
    expect(await repair(world, ...flags)).toEqual({ exitCode: 0, said: { kind: 'repaired', repaired } });
  }

  const user = world.users.newUser();
  expect((await world.users.connect(user)).version).toBeGreaterThan(2_000_000);
  // Nobody is told that users have reconnected who have not.
  expect(await connectionEvents(world)).toBe(told + 1);
});

test.for([
  ['a wrong flag', 1, {}, ['--restored', 'redis']],
  ['no flag', 1, {}, []],
  ['a wrong configuration', 2, { ENCRYPTION_KEYS: 'none' }, ['--restored', 'postgres']],
] as const)('repair with %s does nothing and exits %i', async ([_, exitCode, wrong, flags], { world }) => {
  const audited = await auditRows(world.services.db, { action: 'repaired' });

  const { code, stderr } = await latchkey({ ...world.environment(), ...wrong }, 'repair', ...flags).ended;

  expect(code).toBe(exitCode);
  expect(stderr).toMatch(/--restored|ENCRYPTION_KEYS/);
  expect(await auditRows(world.services.db, { action: 'repaired' })).toEqual(audited);
});

async function connectionEvents(world: World): Promise<number> {
  return (await world.services.db.query('SELECT FROM mcp_connection_event')).rowCount ?? 0;
}
