import { randomUUID } from 'node:crypto';
import { type Latchkey, TemporalUnavailable } from '../src/client.ts';
import type { bareCall } from './bare/workflows.ts';
import { CALL, MCP_SERVER_ID } from './names.ts';
import { START_ATTEMPTS, startBare } from './start-bare.ts';
import type { World } from './world.ts';

export type ContenderName = 'step' | 'bare';

/** Returns both in their order for a run. They take turns to be first, because Temporal's data grows with each run. */
export function inTurn<T>(both: readonly T[], run: number): readonly T[] {
  return run % 2 === 0 ? both : both.toReversed();
}

/** Who is measured: Latchkey's steps, or the bare workflows that they are compared with. */
export interface Contender {
  name: ContenderName;
  /** Starts one for this user and waits for its result. @throws unless the call succeeded */
  runOne(userId: string): Promise<void>;
}

/** Started through Latchkey's client. */
export function stepContender({ latchkey, client }: World, mcpServerId = MCP_SERVER_ID): Contender {
  return {
    name: 'step',
    async runOne(userId) {
      const workflowId = await startStep(latchkey, { userId, mcpServerId, stepId: randomUUID() });
      const result: unknown = await client.workflow.getHandle(workflowId).result();
      if (statusOf(result) !== 'success') throw new Error(`a step ended with ${JSON.stringify(result)}`);
    },
  };
}

/** Starts a step through Latchkey's client, and returns its workflow id. A start with the same id is the same step. */
export async function startStep(
  latchkey: Latchkey,
  step: { userId: string; stepId: string; mcpServerId?: string },
  attempts = START_ATTEMPTS,
): Promise<string> {
  try {
    const started = await latchkey.start({ mcpServerId: MCP_SERVER_ID, ...step, ...CALL });
    if (started.kind === 'conflict') throw new Error('the id of the step is taken');
    return started.step.workflowId;
  } catch (error) {
    if (!(error instanceof TemporalUnavailable) || attempts === 1) throw error;
    return startStep(latchkey, step, attempts - 1);
  }
}

/** Started through Temporal's client. */
export function bareContender({ client }: World): Contender {
  return {
    name: 'bare',
    async runOne(userId) {
      const args: Parameters<typeof bareCall> = [{ userId, ...CALL }];
      const handle = await startBare(client, 'bareCall', { workflowId: `bare/${randomUUID()}`, args });
      await handle.result();
    },
  };
}

function statusOf(result: unknown): unknown {
  return typeof result === 'object' && result !== null && 'status' in result ? result.status : undefined;
}
