import { setTimeout as delay } from 'node:timers/promises';
import type { StepView } from '../../src/contracts/step.ts';
import type { DemoMcpServer } from '../../src/dev/embedded/mcp-server.ts';
import type { Approver } from './approver.ts';
import type { ChaosWorld } from './chaos-world.ts';
import type { Random } from './random.ts';
import type { StepLedger } from './step-ledger.ts';

/** What goes on all the time beside the rounds. */
export interface Background {
  /** Resolves when all of it has ended. @throws what any of it threw */
  stop(): Promise<void>;
}

const USERS_LOOK_EVERY_MS = 1_000;
const ENDED_STEPS_ARE_READ_EVERY_MS = 1_000;
const READ_AT_ONCE = 10;
const SLOWEST_TOOL_MS = 2_000;

export function startBackground(
  world: ChaosWorld,
  stepLedger: StepLedger,
  approver: Approver,
  random: Random,
): Background {
  const end = new AbortController();
  const { signal } = end;
  const ofTools = random.fork('tools');
  const loops = [
    ...[...world.users.values()].map((user) =>
      repeat(signal, USERS_LOOK_EVERY_MS, async () => {
        await Promise.all([user.lookAfterConnection(), approver.decideFor(user.id)]);
      }),
    ),
    repeat(signal, ENDED_STEPS_ARE_READ_EVERY_MS, () => readOpenSteps(world, stepLedger)),
    repeat(signal, 0, () => holdOneCall(world.mcpServer, ofTools, signal)),
  ];
  // Whoever stops it hears of it.
  for (const loop of loops) loop.catch(() => {});
  return {
    async stop() {
      end.abort();
      await Promise.all(loops);
    },
  };
}

async function repeat(signal: AbortSignal, pauseMs: number, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await work();
    await delay(pauseMs);
  }
}

/** Steps that have ended are written down; those that are read first next time were read last this time. */
async function readOpenSteps({ caller }: ChaosWorld, stepLedger: StepLedger): Promise<void> {
  const open = stepLedger.open();
  for (let start = 0; start < open.length; start += READ_AT_ONCE) {
    const answers = open.slice(start, start + READ_AT_ONCE).map(async ({ userId, stepId }) => {
      const answer = await caller.askOnce(userId, `GET /steps/${stepId}`);
      // The cast trusts our own API's contract.
      if (answer?.status === 200) stepLedger.ended(answer.body as StepView);
    });
    await Promise.all(answers);
  }
}

/** Some calls take their time before or after their side effect, so that faults fall into them. */
async function holdOneCall({ control }: DemoMcpServer, random: Random, signal: AbortSignal): Promise<void> {
  const action = random.chance(0.5) ? 'hold-before-execution' : 'hold-after-execution';
  const held = control.interceptTools({ do: action });
  await delay(random.int(100, SLOWEST_TOOL_MS), undefined, { signal }).catch(() => {});
  held.release();
}
