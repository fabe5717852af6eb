import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { ChaosWorld } from './chaos-world.ts';
import type { Stage } from './play-round.ts';
import type { StartedStep } from './step-ledger.ts';
import { MCP_SERVER_ID } from './user.ts';

/** Nothing has ended for so long: nothing more will. More than any lease, heartbeat or backoff of the product. */
const PATIENCE_MS = 4 * 60_000;
const LOOK_AGAIN_MS = 250;

/** Without further faults, waits until every step has ended, or for as long as there is hope. */
export async function settleSteps({ stepLedger, underWay }: Stage): Promise<void> {
  await Promise.all(underWay);
  let open = stepLedger.open().length;
  let progressAt = performance.now();
  while (open > 0 && performance.now() - progressAt < PATIENCE_MS) {
    await delay(LOOK_AGAIN_MS);
    const left = stepLedger.open().length;
    if (left < open) progressAt = performance.now();
    open = left;
  }
}

/** Every user's token is renewed once more: a grant that was lost without anybody noticing shows itself. */
export async function probeEveryGrant(stage: Stage, round: number): Promise<void> {
  const { world, stepLedger } = stage;
  world.authorizationServer.control.expireAccessTokens();
  const starts = [...world.users.keys()].map(async (userId) => {
    const step: StartedStep = { userId, stepId: `probe-${round}-${userId}`, round, ...PROBE };
    stepLedger.add(step);
    const { round: _, userId: __, ...request } = step;
    await world.caller.ask(userId, 'POST /steps', request);
  });
  await Promise.all(starts);
  await settleSteps(stage);
}

const PROBE = { mcpServerId: MCP_SERVER_ID, tool: 'list_invoices', sideEffects: 'read-only' } as const;

/** The workflow ids of waiters that are left although nobody waits any more. */
export async function sleepingWaiters(world: ChaosWorld, patienceMs: number): Promise<string[]> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const left = await waiters(world);
    if (left.length === 0 || performance.now() > deadline) return left;
    await delay(LOOK_AGAIN_MS);
  }
}

async function waiters({ postgres }: ChaosWorld): Promise<string[]> {
  const client = new pg.Client({ connectionString: postgres.address });
  await client.connect();
  try {
    const { rows } = await client.query<{ workflow_id: string }>('SELECT workflow_id FROM mcp_waiter');
    return rows.map((row) => row.workflow_id);
  } finally {
    await client.end();
  }
}
