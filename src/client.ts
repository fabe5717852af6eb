import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import type { McpStepInput, McpStepResult } from './contracts/step.ts';
import { stepWorkflowId } from './contracts/step-workflow-id.ts';
import { createStepClient } from './steps/create-step-client.ts';
import type { StartStepOutcome, StepClient } from './steps/step-client.ts';

export type * from './contracts/messages.ts';
export type * from './contracts/step.ts';
export { stepWorkflowId } from './contracts/step-workflow-id.ts';
export type { ListStepsOptions, StartStepOutcome, StepSummary } from './steps/step-client.ts';
export { InvalidCursor, TemporalUnavailable } from './steps/step-client.ts';

/** Users' steps, from a Temporal client of one's own. */
export interface Latchkey extends Pick<StepClient, 'list' | 'cancel' | 'waitForChange'> {
  /** Starts a step, or finds the one that was started with the same id. `stepId` defaults to a fresh one. */
  start(input: McpStepInput): Promise<StartStepOutcome>;
  /** The step as it stands; undefined where there is none, also for another user's. */
  find: StepClient['get'];
  /** Waits for the step to end; its pauses may take weeks. */
  result(userId: string, stepId: string): Promise<McpStepResult>;
}

export interface LatchkeyOptions {
  client: Client;
  /** Of Latchkey's workers. Default `mcp-steps`. */
  taskQueue?: string;
  /** The address that users' browsers reach, for links in lists. Default `http://127.0.0.1:3000`. */
  publicUrl?: string;
}

export function createLatchkey(options: LatchkeyOptions): Latchkey {
  const { client, taskQueue = 'mcp-steps', publicUrl = 'http://127.0.0.1:3000' } = options;
  const { get, list, cancel, waitForChange, start } = createStepClient({ client, taskQueue, publicUrl });
  return {
    start: (input) => start({ ...input, stepId: input.stepId ?? randomUUID() }),
    find: get,
    list,
    cancel,
    waitForChange,
    result: (userId, stepId) => client.workflow.getHandle(stepWorkflowId(userId, stepId)).result(),
  };
}
