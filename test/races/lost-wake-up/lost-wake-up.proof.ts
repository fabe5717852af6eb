import { afterAll, describe, expect } from 'vitest';
import { accountMember } from '../../../src/contracts/accounts.ts';
import { resumeWorkflowId } from '../../../src/contracts/step-workflow-id.ts';
import { runTypescriptFile, type TypescriptProcess } from '../../support/child-process.ts';
import { testInWorld } from '../../support/fixtures.ts';
import type { World } from '../../support/world.ts';
import type { PausingDeposit } from './deposit-process.ts';
import { openPausePoints, type PausePoint, type PausePoints } from './pause-point.ts';
import { pausesKey } from './pausing-queries.ts';
import type { PausesByKey } from './step-process.ts';

/** A step inserts its waiter and reads the credential; a deposit commits and counts the waiters. */
type Move = 'insert' | 'read' | 'commit' | 'count';

/** Every way in which the two, each in its order, can interleave. */
const INTERLEAVINGS: Move[][] = [
  ['insert', 'read', 'commit', 'count'],
  ['insert', 'commit', 'read', 'count'],
  ['insert', 'commit', 'count', 'read'],
  ['commit', 'insert', 'read', 'count'],
  ['commit', 'insert', 'count', 'read'],
  ['commit', 'count', 'insert', 'read'],
];

/** The one that a step which reads before it inserts does not survive. */
const FATAL_IF_SWAPPED: Move[] = ['read', 'commit', 'count', 'insert'];

/** One step of one user and one deposit of that user's, in two other processes, both at their first pause. */
interface Race {
  userId: string;
  /** Of the step and of the deposit. Absent: `default`. */
  account?: string;
  pauses: Record<Move | 'stepEnd' | 'depositEnd', PausePoint>;
  swapped: boolean;
}

const test = testInWorld({ withoutWorker: true });
let pausePoints: PausePoints;
let processes: { step: TypescriptProcess; deposit: TypescriptProcess };
const races: Race[] = [];

test.beforeAll(async ({ world }) => {
  pausePoints = await openPausePoints(world.database.url);
  for (let count = 0; count < 2 * INTERLEAVINGS.length; count += 1) races.push(await createRace(world, {}));
  for (const _ of INTERLEAVINGS) races.push(await createRace(world, { account: 'work' }));
  races.push(await createRace(world, { swapped: true }));
  processes = await startProcesses(world);
});

afterAll(async () => {
  await Promise.all([processes.step.kill(), processes.deposit.kill()]);
  await pausePoints.close();
});

describe.each(INTERLEAVINGS)('a step and a deposit in the order %s, %s, %s, %s', (...moves) => {
  test('lose no wake-up when the deposit ends before the step learns of its pause', async ({ world }) => {
    const { race, step } = await play(world, moves);
    const { resuming } = await endDeposit(race);
    if (resuming > 0) await resumptionOf(world, race);
    await race.pauses.stepEnd.release();

    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
    expect(world.mcpServer.calls({ user: race.userId })).toHaveLength(1);
    expect(await world.steps.waiting(race.userId)).toEqual([]);
  });

  test('lose no wake-up when the step ends its pause point before the deposit', async ({ world }) => {
    const { race, step } = await play(world, moves);
    await race.pauses.stepEnd.release();
    await world.steps.until(race.userId, step.stepId, 'awaiting-input', 'success');
    await endDeposit(race);

    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
    expect(world.mcpServer.calls({ user: race.userId })).toHaveLength(1);
    expect(await world.steps.waiting(race.userId)).toEqual([]);
  });
});

test.for(INTERLEAVINGS)(
  'a step and a deposit of another account lose no wake-up in the order %s, %s, %s, %s, and wake no step of the default account',
  async (moves, { world }) => {
    const { race, step } = await play(world, moves, 'work');
    // Waits for the same version of the same user's default account, and registers without a pause.
    const other = await world.steps.start(race.userId);
    await world.steps.until(race.userId, other.stepId, 'awaiting-input');
    const { resuming } = await endDeposit(race);
    if (resuming > 0) await resumptionOf(world, race);
    await race.pauses.stepEnd.release();

    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
    expect(await world.steps.waiting(race.userId)).toEqual([other.stepId]);
    expect(await world.steps.get(race.userId, other.stepId)).toMatchObject({ status: 'awaiting-input' });
    await world.steps.cancel(race.userId, other.stepId);
  },
);

test('a step that reads before it inserts loses the wake-up until it is reconciled (negative control)', async ({
  world,
}) => {
  const { race, step } = await play(world, FATAL_IF_SWAPPED);
  const { version, resuming } = await endDeposit(race);
  await race.pauses.stepEnd.release();

  // Nobody is going to signal it: the deposit found no waiter, and the step waits for something newer.
  expect({ version, resuming }).toEqual({ version: 1, resuming: 0 });
  await world.steps.until(race.userId, step.stepId, 'awaiting-input');
  expect(await world.steps.waiting(race.userId)).toEqual([step.stepId]);

  const { client } = world.temporal;
  const options = { taskQueue: world.config.taskQueue, workflowId: `reconcile-${race.userId}`, args: [] };
  await expect(client.workflow.execute('reconcile', options)).resolves.toMatchObject({ resumptions: 1 });
  await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
});

async function createRace(
  world: World,
  { swapped = false, account }: { swapped?: boolean; account?: string },
): Promise<Race> {
  return {
    userId: world.users.newUser(),
    ...(account !== undefined && { account }),
    swapped,
    pauses: {
      insert: await pausePoints.create(),
      read: await pausePoints.create(),
      stepEnd: await pausePoints.create(),
      commit: await pausePoints.create(),
      count: await pausePoints.create(),
      depositEnd: await pausePoints.create(),
    },
  };
}

async function startProcesses(world: World) {
  // Every deposit under way keeps one connection in its transaction.
  const environment = { ...world.environment(), DATABASE_POOL_SIZE: String(races.length + 5) };
  const step = run('step-process.ts', environment, pausesByKey());
  const deposit = run(
    'deposit-process.ts',
    environment,
    await Promise.all(races.map((one) => pausingDeposit(world, one))),
  );
  await step.nextLine();
  return { step, deposit };
}

function run(file: string, environment: Record<string, string>, data: unknown): TypescriptProcess {
  const path = `test/races/lost-wake-up/${file}`;
  return runTypescriptFile(path, { ...environment, DATA: JSON.stringify(data) });
}

function pausesByKey(): PausesByKey {
  const entries = races.map(({ pauses: { insert, read, stepEnd }, swapped, ...race }) => {
    return [
      pausesKey(race),
      { beforeInsert: insert.key, beforeRead: read.key, atEnd: stepEnd.key, swapped },
    ] as const;
  });
  return Object.fromEntries(entries);
}

async function pausingDeposit(world: World, { userId, account, pauses }: Race): Promise<PausingDeposit> {
  const { commit, count, depositEnd } = pauses;
  return {
    userId,
    deposit: { ...(await world.users.consent(userId)), ...accountMember(account) },
    pauses: { beforeCommit: commit.key, beforeCount: count.key, atEnd: depositEnd.key },
  };
}

/** Starts a step and lets it and its user's deposit make these moves, one after the other. */
async function play(world: World, moves: Move[], account?: string) {
  const isSwapped = moves === FATAL_IF_SWAPPED;
  const index = races.findIndex((one) => one.swapped === isSwapped && one.account === account);
  const [race] = races.splice(index, 1);
  if (race === undefined) throw new Error('all races have been run');
  const step = await world.steps.start(race.userId, accountMember(account));
  await firstPauses(race, moves);
  for (const move of moves) {
    await race.pauses[move].release();
    await race.pauses[nextPause(move, moves)].reached();
  }
  return { race, step };
}

async function firstPauses({ pauses }: Race, moves: Move[]): Promise<void> {
  const firstOfStep = moves.indexOf('insert') < moves.indexOf('read') ? 'insert' : 'read';
  await Promise.all([pauses[firstOfStep].reached(), pauses.commit.reached()]);
}

function nextPause(move: Move, moves: Move[]): keyof Race['pauses'] {
  const own: Move[] = move === 'insert' || move === 'read' ? ['insert', 'read'] : ['commit', 'count'];
  const following = moves.slice(moves.indexOf(move) + 1).find((next) => own.includes(next));
  return following ?? (own.includes('insert') ? 'stepEnd' : 'depositEnd');
}

async function endDeposit({ pauses }: Race): Promise<{ version: number; resuming: number }> {
  await pauses.depositEnd.release();
  return JSON.parse(await processes.deposit.nextLine());
}

async function resumptionOf(world: World, { userId, account }: Race): Promise<void> {
  const key = { userId, mcpServerId: world.mcpServerId, ...accountMember(account) };
  const workflowId = resumeWorkflowId(key, 1);
  await world.temporal.client.workflow.getHandle(workflowId).result();
}
