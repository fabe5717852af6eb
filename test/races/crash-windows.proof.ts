import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import { listConnections } from '../../src/credentials/credential-store.ts';
import type { RenewalOutcome } from '../../src/credentials/refresh/renewal-outcome.ts';
import type { Fault, FaultReport } from '../integration/processes/faulty-worker.ts';
import { type FaultyWorker, startFaultyWorker } from '../integration/processes/start-faulty-worker.ts';
import { createWorld, type World } from '../support/world.ts';

// One process stands in several windows at once, with a refresh of another user in each. It is killed, or frozen,
// there; a second worker takes over. The authorization server revokes a grant whose refresh token comes twice.

const WINDOWS = ['before sending', 'after sending', 'before the write-back', 'after the write-back'] as const;
const CONTROL = 'before sending, without a look at the clocks';

type Window = (typeof WINDOWS)[number] | typeof CONTROL;

const FAULTS: Record<Window, Fault> = {
  'before sending': { standStill: 'before-sending' },
  // It waits for the answer of an authorization server that has rotated the token.
  'after sending': {},
  'before the write-back': { standStill: 'before-write-back' },
  'after the write-back': { standStill: 'after-write-back' },
  [CONTROL]: { standStill: 'before-sending', without: 'veto' },
};

/** What has become of a user whose refresh was under way in the process. */
interface Standing {
  /** `connected`, or what the user is told. */
  connection: string;
  /** Of the step whose refresh it was, and of one that was started afterwards. */
  steps: string[];
  grants: { succeeded: number; failed: number };
  toolRuns: number;
}

const KEPT: Standing = {
  connection: 'connected',
  steps: ['success', 'success'],
  grants: { succeeded: 1, failed: 0 },
  toolRuns: 2,
};

/** The second worker has sent the stored token, once, and was told that it is spent. */
const LOST: Standing = {
  connection: 'refresh-outcome-lost',
  steps: ['awaiting-input', 'awaiting-input'],
  grants: { succeeded: 1, failed: 1 },
  toolRuns: 0,
};

const AFTER_CRASH: Record<Window, Standing> = {
  'before sending': KEPT,
  'after sending': LOST,
  'before the write-back': LOST,
  'after the write-back': KEPT,
  [CONTROL]: KEPT,
};

interface Victim {
  user: string;
  steps: StepView[];
}

interface Scene {
  world: World;
  process: FaultyWorker;
  victims: Map<Window, Victim>;
  afterCrash: Map<Window, Standing>;
}

interface Thaw {
  /** What the frozen process made of its refreshes in the end. */
  outcomes: Map<Window, RenewalOutcome>;
  standings: Map<Window, Standing>;
}

const FROZEN_MS = 40_000;
const LIMIT_MS = 240_000;
const SETTLED = { timeout: 120_000, interval: 250 };

let killed: Scene;
let frozen: Scene & Thaw;
const cleanUps: (() => Promise<void>)[] = [];

beforeAll(async () => {
  [killed, frozen] = await Promise.all([kill(), freeze()]);
}, LIMIT_MS);

afterAll(async () => {
  // The latest first.
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});

describe.each(WINDOWS)('a process that is killed %s', (window) => {
  test('leaves the connection and its steps in a recoverable state', () => {
    expect(killed.afterCrash.get(window)).toEqual(AFTER_CRASH[window]);
  });

  test('lets every step succeed with one run of its tool', async () => {
    await expectAllToSucceed(killed, window);
  });
});

describe.each(WINDOWS)('a process that is frozen for 40 s %s', (window) => {
  test('does not stop other processes', () => {
    expect(frozen.afterCrash.get(window)).toEqual(AFTER_CRASH[window]);
  });

  test('lets every step succeed with one run of its tool when it is back', async () => {
    await expectAllToSucceed(frozen, window);
  });
});

describe('a process that is back after 40 s', () => {
  test('does not send what it was about to send', () => {
    const window = 'before sending';
    expect(frozen.outcomes.get(window)).toEqual({ kind: 'unavailable', cause: 'vetoed' });
    expect(frozen.standings.get(window)).toEqual(KEPT);
  });

  test('loses the grant without the check of its clocks (negative control)', () => {
    expect(frozen.standings.get(CONTROL)).toMatchObject({ grants: { succeeded: 1, failed: 1 } });
  });

  // Here the grant is gone: this authorization server revoked it when the other worker sent the spent token. So
  // the steps, resumed by themselves, pause again, and the user is told the same as before.
  test.each(['after sending', 'before the write-back'] as const)(
    'stores the answer that came %s, and the steps find out whether it is good',
    (window) => {
      const versions = { credentialVersion: 2, tokenVersion: 2 };
      expect(frozen.outcomes.get(window)).toEqual({ kind: 'renewed', versions });
      expect(frozen.standings.get(window)).toEqual(LOST);
    },
  );

  test('changes nothing where its answer was stored before', () => {
    const window = 'after the write-back';
    const versions = { credentialVersion: 1, tokenVersion: 2 };
    expect(frozen.outcomes.get(window)).toEqual({ kind: 'renewed', versions });
    expect(frozen.standings.get(window)).toEqual(KEPT);
  });
});

test('the grant that was lost without the check of the clocks cannot be refreshed (negative control)', async () => {
  const { user } = victimOf(frozen, CONTROL);
  const step = await frozen.world.steps.start(user);

  await frozen.world.steps.until(user, step.stepId, 'awaiting-input');
});

function kill(): Promise<Scene> {
  return crash(WINDOWS, (process) => process.kill('SIGKILL'));
}

async function freeze(): Promise<Scene & Thaw> {
  let thawAfter = Promise.resolve();
  const scene = await crash([...WINDOWS, CONTROL], async ({ child }) => {
    child.kill('SIGSTOP');
    thawAfter = delay(FROZEN_MS);
  });
  await thawAfter;
  scene.process.child.kill('SIGCONT');
  const outcomes = await outcomesOf(scene);
  await Promise.all([...scene.victims.values()].map((victim) => settled(scene.world, victim, 2)));
  return { ...scene, outcomes, standings: await standingsOf(scene) };
}

/** Lets a process come to a stop in all the windows at once, and then a second worker take its place. */
async function crash(
  windows: readonly Window[],
  strike: (process: FaultyWorker) => Promise<void>,
): Promise<Scene> {
  const world = await createWorld({ withoutWorker: true });
  cleanUps.push(world.stop);
  const victims = new Map<Window, Victim>();
  for (const window of windows) victims.set(window, await createVictim(world));
  const process = await startFaultyWorker(
    // All its slots are taken when it stands still: it takes no call that would be lost with it.
    {
      ...world.environment(),
      WORKER_MAX_CONCURRENT_ACTIVITIES: String(windows.length),
      WORKER_MAX_CALLS_PER_SERVER: String(4 * windows.length),
    },
    Object.fromEntries([...victims].map(([window, { user }]) => [user, FAULTS[window]])),
  );
  cleanUps.push(process.kill);
  const answer = world.authorizationServer.control.interceptTokenRequests(
    { do: 'hold-after-processing' },
    { accountId: victimOf({ victims }, 'after sending').user },
  );
  const workflows = await world.startWorker({ withoutActivities: true });
  for (const { user, steps } of victims.values()) steps.push(await world.steps.start(user));
  await answer.reached();
  await standingStill(process, windows.length - 1);
  await strike(process);
  answer.release();
  await workflows.stop();
  await world.startWorker();
  for (const { user, steps } of victims.values()) steps.push(await world.steps.start(user));
  await Promise.all([...victims.values()].map((victim) => settled(world, victim, 1)));
  const scene = { world, process, victims, afterCrash: new Map() };
  return { ...scene, afterCrash: await standingsOf(scene) };
}

async function createVictim(world: World): Promise<Victim> {
  const user = world.users.newUser();
  await world.users.deposit(user, { ...(await world.users.consent(user)), expiresIn: 0 });
  return { user, steps: [] };
}

async function standingStill(process: FaultyWorker, count: number): Promise<void> {
  for (let standing = 0; standing < count; ) {
    const report = await process.nextReport();
    if (report !== 'ready' && 'at' in report) standing += 1;
  }
}

async function outcomesOf({ process, victims }: Scene): Promise<Thaw['outcomes']> {
  const windowOf = new Map([...victims].map(([window, { user }]) => [user, window]));
  const outcomes: Thaw['outcomes'] = new Map();
  while (outcomes.size < victims.size) {
    const report: FaultReport = await process.nextReport();
    if (report === 'ready' || !('outcome' in report)) continue;
    const window = windowOf.get(report.user);
    if (window !== undefined && !outcomes.has(window)) outcomes.set(window, report.outcome);
  }
  return outcomes;
}

/** Resolves when each of the user's steps has succeeded or waits for more than that version. */
async function settled(world: World, { user, steps }: Victim, version: number): Promise<void> {
  await vi.waitFor(async () => {
    const views = await Promise.all(steps.map(({ stepId }) => world.steps.get(user, stepId)));
    const open = views.filter((view) => view?.status !== 'success');
    expect(open.filter((view) => view?.status !== 'awaiting-input')).toEqual([]);
    const { rowCount } = await world.services.db.query(
      'SELECT FROM mcp_waiter WHERE user_id = $1 AND seen_version >= $2',
      [user, version],
    );
    expect(rowCount).toBe(open.length);
  }, SETTLED);
}

async function standingsOf({ world, victims }: Pick<Scene, 'world' | 'victims'>) {
  const standings = new Map<Window, Standing>();
  for (const [window, victim] of victims) standings.set(window, await standingOf(world, victim));
  return standings;
}

async function standingOf(world: World, { user, steps }: Victim): Promise<Standing> {
  const [connection] = await listConnections(world.services.db, user);
  const views = await Promise.all(steps.map(({ stepId }) => world.steps.get(user, stepId)));
  const { state } = connection ?? {};
  return {
    connection: state?.status === 'reauth-required' ? state.reason : String(state?.status),
    steps: views.map((view) => String(view?.status)),
    grants: world.authorizationServer.stats.tokenGrants('refresh_token', { accountId: user }),
    toolRuns: world.mcpServer.calls({ user }).length,
  };
}

/** The two steps, and a third that needs a refresh; where the grant was lost, after one deposit. */
async function expectAllToSucceed(scene: Scene, window: Window): Promise<void> {
  const { world } = scene;
  const { user, steps } = victimOf(scene, window);
  if (AFTER_CRASH[window] === LOST) await world.users.connect(user);
  for (const step of steps)
    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
  world.authorizationServer.control.expireAccessTokens(user);
  const next = await world.steps.start(user);
  await expect(world.steps.result(next)).resolves.toMatchObject({ status: 'success' });

  const keys = world.mcpServer.calls({ user }).map((call) => call.idempotencyKey);
  expect(keys).toHaveLength(3);
  expect(new Set(keys).size).toBe(3);
}

function victimOf({ victims }: Pick<Scene, 'victims'>, window: Window): Victim {
  const victim = victims.get(window);
  if (victim === undefined) throw new Error(`nobody stood ${window}`);
  return victim;
}
