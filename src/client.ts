import { randomUUID } from 'node:crypto';
import { Client } from '@temporalio/client';
import { createLatchkeyApi, type LatchkeyApi, type LatchkeyApiOptions } from './client/api-client.ts';
import { payloadDataConverter } from './client/payload-data-converter.ts';
import type { McpStepInput, McpStepResult } from './contracts/step.ts';
import { createStepClient } from './steps/create-step-client.ts';
import { resultOf } from './steps/read-step.ts';
import type { StartStepOutcome, StepClient } from './steps/step-client.ts';
import { withExactNumbers } from './steps/with-exact-numbers.ts';

export type { LatchkeyApi, LatchkeyApiOptions } from './client/api-client.ts';
export { LatchkeyApiError } from './client/api-client.ts';
export { payloadDataConverter } from './client/payload-data-converter.ts';
export type * from './contracts/messages.ts';
export type * from './contracts/step.ts';
export { stepWorkflowId } from './contracts/step-workflow-id.ts';
export type { ListFailure, ToolsOfServer } from './contracts/tools-of-server.ts';
export type {
  DecisionOutcome,
  ListStepsOptions,
  ResolvedMany,
  ResolveMany,
  StartStepOutcome,
  StepSummary,
} from './steps/step-client.ts';
export { InvalidCursor } from './steps/step-client.ts';
export { NumberNotExact } from './steps/with-exact-numbers.ts';
export { TemporalUnavailable } from './temporal/temporal-call.ts';

/**
 * Users' steps, from a Temporal client of one's own. `listTools` and `fullResult` need the option `api`, and
 * are about the user that its token names.
 */
export interface Latchkey
  extends LatchkeyApi,
    Pick<StepClient, 'list' | 'cancel' | 'waitForChange' | 'approve' | 'reject' | 'resolve' | 'resolveMany'> {
  /**
   * Starts a step, or finds the one that was started with the same id. `stepId` defaults to a fresh one.
   *
   * @throws NumberNotExact when the arguments hold a number that JSON can only change
   */
  start(input: McpStepInput): Promise<StartStepOutcome>;
  /** The step as it stands; undefined where there is none, also for another user's. */
  find: StepClient['get'];
  /** Waits for the step to end; its pauses may take weeks. A large result is a reference: see `fullResult`. */
  result(userId: string, stepId: string): Promise<McpStepResult>;
}

export interface LatchkeyOptions {
  client: Client;
  /** Of Latchkey's workers. Default `mcp-steps`. */
  taskQueue?: string;
  /**
   * The `PAYLOAD_KEYS` of Latchkey's workers, unless the client's own data converter has them: see
   * `payloadDataConverter`.
   */
  payloadKeys?: string;
  /** Latchkey's HTTP API. */
  api?: LatchkeyApiOptions;
}

export function createLatchkey(options: LatchkeyOptions): Latchkey {
  const { taskQueue = 'mcp-steps', api } = options;
  const client = clientOf(options);
  const { get: find, start, ...steps } = withExactNumbers(createStepClient({ client, taskQueue }));
  return {
    ...steps,
    ...(api ? createLatchkeyApi(api) : withoutApi()),
    find,
    start: (input) => start({ ...input, stepId: input.stepId ?? randomUUID() }),
    result: (userId, stepId) => resultOf({ client }, userId, stepId),
  };
}

/** On the same connection. */
function clientOf({ client, payloadKeys }: LatchkeyOptions): Client {
  if (payloadKeys === undefined) return client;
  const { namespace, identity, interceptors, dataConverter } = client.options;
  return new Client({
    connection: client.connection,
    namespace,
    identity,
    interceptors,
    dataConverter: payloadDataConverter(payloadKeys, dataConverter),
  });
}

function withoutApi(): LatchkeyApi {
  const refuse = async () => {
    throw new Error('createLatchkey was not given the option `api`');
  };
  return { listTools: refuse, fullResult: refuse };
}
