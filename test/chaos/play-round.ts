import { setTimeout as delay } from 'node:timers/promises';
import type { ChaosWorld } from './chaos-world.ts';
import { startOf } from './loss-judgement.ts';
import { queryPostgres } from './query-postgres.ts';
import type { LoadAction, RoundPlan } from './round-plan.ts';
import type { FaultAction } from './scenarios.ts';
import type { StepLedger } from './step-ledger.ts';

export interface Stage {
  world: ChaosWorld;
  stepLedger: StepLedger;
  /** What runs on beyond its round: starts, deposits. Rejections of it fail the run. */
  underWay: Set<Promise<void>>;
  log: (line: string) => void;
}

/** Plays faults and load at their moments, and resolves when every process is ready again. */
export async function playRound(stage: Stage, plan: RoundPlan): Promise<void> {
  const faults = plan.faults.map((fault) => at(fault.atMs, () => perform(stage, fault)));
  const load = plan.load.map((action) =>
    at(action.atMs, async () => {
      const work = bring(stage, action);
      stage.underWay.add(work);
      // A rejection stays in the set: whoever settles the run sees it.
      work.then(
        () => stage.underWay.delete(work),
        () => {},
      );
    }),
  );
  await Promise.all([...faults, ...load]);
  await stage.world.fleet.allReady();
}

async function at(ms: number, work: () => Promise<void>): Promise<void> {
  await delay(ms);
  await work();
}

async function perform({ world, log }: Stage, fault: FaultAction): Promise<void> {
  const { fleet } = world;
  log(JSON.stringify({ event: 'fault', ...fault }));
  switch (fault.do) {
    case 'kill':
      return fleet.kill(await targetOf(world, fault));
    case 'stop':
      return fleet.stop(await targetOf(world, fault), fault.forMs);
    case 'drain':
      return fleet.drain(fault.post);
    case 'restart':
      return world[fault.server].restart(fault);
    case 'cut-connections':
      return cutConnections(world, fault.times);
    default:
      return fault satisfies never;
  }
}

const CUT_AGAIN_AFTER_MS = 1_000;

async function cutConnections({ postgres }: ChaosWorld, times: number): Promise<void> {
  for (let cut = 0; cut < times; cut += 1) {
    if (cut > 0) await delay(CUT_AGAIN_AFTER_MS);
    await queryPostgres(
      postgres.address,
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'latchkey'",
    );
  }
}

const AIMS_FOR_MS = 4_000;

type Aimed = Extract<FaultAction, { do: 'kill' | 'stop' }>;

/** The post of whoever sends the next refresh, if one of the same role does so soon. */
async function targetOf({ fleet, gate }: ChaosWorld, { post, aim }: Aimed): Promise<string> {
  if (aim === undefined) return post;
  const deadline = performance.now() + AIMS_FOR_MS;
  const role = post.replace(/-.*/, '');
  for (let left = AIMS_FOR_MS; left > 0; left = deadline - performance.now()) {
    const tired = delay(left, undefined, { ref: false });
    const refresh = await Promise.race([gate.nextRefresh(), tired]);
    if (refresh === undefined) break;
    await delay(aim.afterMs);
    const sender = startOf(fleet.refreshEvents, refresh);
    if (sender?.process.startsWith(role)) return fleet.postOf(sender.process);
  }
  return post;
}

async function bring({ world, stepLedger }: Stage, action: LoadAction): Promise<void> {
  switch (action.do) {
    case 'start':
      return startStep(world, stepLedger, action.step);
    case 'list-tools':
      return void (await world.caller.askOnce(action.userId, 'GET /list-mcp-tools?mcpServerId=ledger'));
    case 'withdraw':
      return world.users.get(action.userId)?.withdraw();
    case 'reconnect':
      return world.users.get(action.userId)?.connect();
    default:
      return action satisfies never;
  }
}

async function startStep(
  { caller }: ChaosWorld,
  stepLedger: StepLedger,
  step: Extract<LoadAction, { do: 'start' }>['step'],
): Promise<void> {
  stepLedger.add(step);
  const { userId, round: _, ...request } = step;
  const { status, body } = await caller.ask(userId, 'POST /steps', request);
  if (status !== 200 && status !== 202) {
    throw new Error(`${step.stepId} was not started: ${status} ${JSON.stringify(body)}`);
  }
}
