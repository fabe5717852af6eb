import { randomUUID } from 'node:crypto';
import { type Latchkey, TemporalUnavailable } from '../src/client.ts';
import type { bareCall } from './bare/workflows.ts';
import { BARE_QUEUE, CALL, MCP_SERVER_ID } from './names.ts';
import type { World } from './world.ts';

/** A server that other work slows down answers too late. A start with the same id is the same step. */
const START_ATTEMPTS = 5;

export type ContenderName = 'step' | 'bare';

/** Who is measured: Latchkey's steps, or the bare workflows that they are compared with. */
export interface Contender {
  name: ContenderName;
  /** Starts one for this user and waits for its result. @throws unless the call succeeded */
  runOne(userId: string): Promise<void>;
}

/** Started through Latchkey's client. */
export function stepContender({ latchkey, client }: World): Contender {
  return {
    name: 'step',
    async runOne(userId) {
      const workflowId = await startStep(latchkey, { userId, stepId: randomUUID() });
      const result: unknown = await client.workflow.getHandle(workflowId).result();
      if (statusOf(result) !== 'success') throw new Error(`a step ended with ${JSON.stringify(result)}`);
    },
  };
}

/** Starts a step through Latchkey's client, and returns its workflow id. */
export async function startStep(
  latchkey: Latchkey,
  step: { userId: string; stepId: string },
  attempts = START_ATTEMPTS,
): Promise<string> {
  try {
    const started = await latchkey.start({ ...step, mcpServerId: MCP_SERVER_ID, ...CALL });
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
      const workflowId = `bare/${randomUUID()}`;
      const options = { workflowId, taskQueue: BARE_QUEUE, args: [{ userId, ...CALL }] as [BareCallInput] };
      const handle = await client.workflow.start<typeof bareCall>('bareCall', options);
      await handle.result();
    },
  };
}

type BareCallInput = Parameters<typeof bareCall>[0];

function statusOf(result: unknown): unknown {
  return typeof result === 'object' && result !== null && 'status' in result ? result.status : undefined;
}
