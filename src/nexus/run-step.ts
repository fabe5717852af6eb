import { type Client, WorkflowFailedError } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { startWorkflow, type WorkflowHandle, WorkflowRunOperationHandler } from '@temporalio/nexus';
import {
  HandlerStartOperationResult,
  OperationError,
  type OperationHandler,
  type StartOperationContext,
} from 'nexus-rpc';
import type { McpStepInput, McpStepResult } from '../contracts/step.ts';
import { type BeginStep, beginUnlessTaken, joinRunning, type StartInput } from '../steps/start-step.ts';
import { temporalCall } from '../temporal/temporal-call.ts';
import { cancelOwn } from './cancel-operation.ts';
import { rethrowForCaller, stepConflict } from './handler-errors.ts';
import type { OperationDependencies } from './operation-dependencies.ts';
import { idOfRequest, parseStepInput } from './parse-input.ts';

type StepHandle = WorkflowHandle<McpStepResult>;

type StepOutcome =
  /** The step runs, and its end completes the operation. */
  | { kind: 'running'; handle: StepHandle }
  /** The same step was started before, and has ended. */
  | { kind: 'ended'; workflowId: string }
  | { kind: 'conflict' };

/**
 * Handles operation `runStep`: starts the step that HTTP and the client would start. A step that the user started
 * before, with this id and request, is not started again: its result is the operation's.
 */
export function runStepHandler(deps: OperationDependencies): OperationHandler<McpStepInput, McpStepResult> {
  const running = new WorkflowRunOperationHandler<StepHandle, McpStepResult>(async (_, handle) => handle);
  const start = async (context: StartOperationContext, input: McpStepInput) => {
    const outcome = await startOrJoin(deps, context, parseStepInput(input));
    switch (outcome.kind) {
      case 'running':
        return running.start(context, outcome.handle);
      case 'ended':
        return HandlerStartOperationResult.sync(await resultOf(deps.client, outcome.workflowId));
      case 'conflict':
        throw stepConflict();
      default:
        return outcome satisfies never;
    }
  };
  return {
    start: (context, input) => start(context, input).catch(rethrowForCaller(deps.logger)),
    cancel: cancelOwn(['step/'], running, deps.logger),
  };
}

async function startOrJoin(
  deps: OperationDependencies,
  context: StartOperationContext,
  request: McpStepInput,
): Promise<StepOutcome> {
  const input: StartInput = { ...request, stepId: request.stepId ?? idOfRequest(context.requestId) };
  const begin: BeginStep<StepHandle> = (options) => startWorkflow(context, 'mcpStep', options);
  const begun = await beginUnlessTaken(deps, input, begin);
  if (begun.kind === 'begun') return { kind: 'running', handle: begun.handle };
  if (!begun.sameRequest) return { kind: 'conflict' };
  const { workflowId } = begun;
  const handle = await joinRunning(deps, { workflowId, input }, begin);
  return handle === undefined ? { kind: 'ended', workflowId } : { kind: 'running', handle };
}

// Of a step that has ended.
async function resultOf(client: Client, workflowId: string): Promise<McpStepResult> {
  try {
    const result: unknown = await temporalCall(client, () => client.workflow.getHandle(workflowId).result());
    // The cast trusts the contract of workflow `mcpStep`.
    return result as McpStepResult;
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    if (error.cause instanceof CancelledFailure)
      throw new OperationError('canceled', 'The step was cancelled.');
    throw new OperationError('failed', 'The step was ended by an operator.');
  }
}
