import { afterAll, describe, expect } from 'vitest';
import { resumeWorkflowId } from '../../../src/contracts/step-workflow-id.ts';
import { runTypescriptFile, type TypescriptProcess } from '../../support/child-process.ts';
import { testInWorld } from '../../support/fixtures.ts';
import type { World } from '../../support/world.ts';
import type { PausingDeposit } from './deposit-process.ts';
import { openPausePoints, type PausePoint, type PausePoints } from './pause-point.ts';
import type { PausesByUser } from './step-process.ts';

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
  pauses: Record<Move | 'stepEnd' | 'depositEnd', PausePoint>;
  swapped: boolean;
}

const test = testInWorld({ withoutWorker: true });
let pausePoints: PausePoints;
let processes: { step: TypescriptProcess; deposit: TypescriptProcess };
const races: Race[] = [];

test.beforeAll(async ({ world }) => {
  pausePoints = await openPausePoints(world.database.url);
  for (let count = 0; count < 2 * INTERLEAVINGS.length; count += 1)
    races.push(await createRace(world, false));
  races.push(await createRace(world, true));
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

async function createRace(world: World, swapped: boolean): Promise<Race> {
  return {
    userId: world.users.newUser(),
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
  const step = run('step-process.ts', environment, pausesByUser());
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

function pausesByUser(): PausesByUser {
  const entries = races.map(({ userId, pauses: { insert, read, stepEnd }, swapped }) => {
    return [userId, { beforeInsert: insert.key, beforeRead: read.key, atEnd: stepEnd.key, swapped }] as const;
  });
  return Object.fromEntries(entries);
}

async function pausingDeposit(world: World, { userId, pauses }: Race): Promise<PausingDeposit> {
  const { commit, count, depositEnd } = pauses;
  return {
    userId,
    deposit: await world.users.consent(userId),
    pauses: { beforeCommit: commit.key, beforeCount: count.key, atEnd: depositEnd.key },
  };
}

/** Starts a step and lets it and its user's deposit make these moves, one after the other. */
async function play(world: World, moves: Move[]) {
  const isSwapped = moves === FATAL_IF_SWAPPED;
  const index = races.findIndex(({ swapped }) => swapped === isSwapped);
  const [race] = races.splice(index, 1);
  if (race === undefined) throw new Error('all races have been run');
  const step = await world.steps.start(race.userId);
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

async function resumptionOf(world: World, { userId }: Race): Promise<void> {
  const workflowId = resumeWorkflowId({ userId, mcpServerId: world.mcpServerId }, 1);
  await world.temporal.client.workflow.getHandle(workflowId).result();
}
